import numpy as np

from diiqn_lightning.callbacks.video import enlarged


def test_small_pictures_are_enlarged_and_numbers_become_bytes():
    picture = np.zeros((2, 3, 3))
    picture[1, 2] = 1.0
    large = enlarged(picture, pixels=6)
    assert large.shape == (4, 6, 3)
    assert large.dtype == np.uint8
    assert (large[2:, 4:] == 255).all()
    assert large.sum() == 4 * 3 * 255


def test_large_pictures_stay():
    picture = np.arange(300 * 3, dtype=np.uint8).reshape(300, 1, 3)
    assert np.array_equal(enlarged(picture, pixels=240), picture)
