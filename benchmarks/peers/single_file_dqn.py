"""Double DQN as a single file of torch and NumPy, in the manner of CleanRL: one environment, no library of agents.

    python -m benchmarks.peers.single_file_dqn --frames 20000

The published MinAtar settings, uniform replay, batch 32 every 4 frames.
"""

import argparse
import json
import time

import numpy as np
import torch

from benchmarks.peers.minatar_network import make_env, q_network, set_threads

WARM_UP = 1_000
CAPACITY = 100_000
BATCH, FRAMES_PER_UPDATE, TARGET_EVERY_FRAMES = 32, 4, 1_000
DISCOUNT, LAST_EPSILON, EXPLORING_FRAMES = 0.99, 0.01, 250_000


def train(frames, seed=0):
    """Frames per second of training after the warm-up, and the losses of all updates."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    env = make_env()
    online, target = q_network(), q_network()
    target.load_state_dict(online.state_dict())
    optimizer = torch.optim.Adam(online.parameters(), lr=2.5e-4, eps=3.125e-4, fused=True)

    shape = env.observation_space.shape
    observations, next_observations = (np.zeros((CAPACITY, *shape), np.uint8) for _ in range(2))
    actions = np.zeros(CAPACITY, np.int64)
    rewards, terminations = (np.zeros(CAPACITY, np.float32) for _ in range(2))

    observation, _ = env.reset(seed=seed)
    losses, started = [], None
    for frame in range(1, frames + 1):
        epsilon = 1 + (LAST_EPSILON - 1) * min(1, frame / EXPLORING_FRAMES)
        if random.random() < epsilon:
            action = int(random.integers(env.action_space.n))
        else:
            with torch.no_grad():
                action = int(online(torch.from_numpy(observation).unsqueeze(0).float()).argmax())
        next_observation, reward, terminated, truncated, _ = env.step(action)

        position = (frame - 1) % CAPACITY
        observations[position], next_observations[position] = observation, next_observation
        actions[position], rewards[position], terminations[position] = action, reward, terminated
        observation = env.reset()[0] if terminated or truncated else next_observation

        if frame <= WARM_UP:
            continue
        if started is None:
            started = time.perf_counter()
        if frame % FRAMES_PER_UPDATE == 0:
            index = random.integers(min(frame, CAPACITY), size=BATCH)
            with torch.no_grad():
                following = torch.from_numpy(next_observations[index]).float()
                chosen = online(following).argmax(1, keepdim=True)
                value = target(following).gather(1, chosen).squeeze(1)
                wanted = torch.from_numpy(rewards[index])
                wanted = wanted + DISCOUNT * (1 - torch.from_numpy(terminations[index])) * value
            taken = torch.from_numpy(actions[index]).unsqueeze(1)
            estimate = online(torch.from_numpy(observations[index]).float()).gather(1, taken).squeeze(1)
            loss = 0.5 * (estimate - wanted).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        if frame % TARGET_EVERY_FRAMES == 0:
            target.load_state_dict(online.state_dict())
    seconds = time.perf_counter() - started
    return {"frames_per_second": (frames - WARM_UP) / seconds, "frames": frames - WARM_UP, "seconds": seconds}, losses


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=20_000)
    options.add_argument("--threads", type=int, default=1)
    arguments = options.parse_args()
    set_threads(arguments.threads)
    print(json.dumps(train(arguments.frames)[0]))


if __name__ == "__main__":
    main()
