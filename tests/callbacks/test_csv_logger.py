import csv

from diiqn_lightning.callbacks.csv_logger import MetricsCSV


def read(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_metrics_of_one_frame_share_a_row_and_new_columns_may_come_later(tmp_path):
    logger = MetricsCSV(tmp_path)
    logger.log_metrics({"frames": 10, "train/loss": 1.5})
    logger.log_metrics({"frames": 20, "train/loss": 1.0})
    logger.log_metrics({"frames": 20, "eval/return": 7.0})
    assert read(tmp_path) == [
        {"frames": "10", "eval/return": "", "train/loss": "1.5"},
        {"frames": "20", "eval/return": "7.0", "train/loss": "1.0"},
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


def test_what_comes_without_its_frames_waits_for_the_next_row(tmp_path):
    logger = MetricsCSV(tmp_path)
    logger.log_metrics({"lr-LeanAdam": 0.5, "epoch": 0}, step=3)
    assert not list(tmp_path.iterdir())
    logger.log_metrics({"lr-LeanAdam": 0.25, "epoch": 0}, step=4)
    logger.log_metrics({"frames": 10, "train/loss": 1.5})
    logger.log_metrics({"frames": 20, "train/loss": 1.0})
    assert read(tmp_path) == [
        {"frames": "10", "lr-LeanAdam": "0.25", "train/loss": "1.5"},
        {"frames": "20", "lr-LeanAdam": "", "train/loss": "1.0"},
    ]


def test_a_resumed_run_keeps_the_rows_up_to_its_frame(tmp_path):
    before = MetricsCSV(tmp_path)
    for frames in (10, 20, 30):
        before.log_metrics({"frames": frames, "train/loss": 1.0})
    resumed = MetricsCSV(tmp_path)
    resumed.keep_until(20)
    resumed.log_metrics({"frames": 25, "train/loss": 2.0})
    assert [row["frames"] for row in read(tmp_path)] == ["10", "20", "25"]
