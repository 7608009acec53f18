"""The table's formulas a second time, in float64 and plain Python, written from the papers."""

import numpy as np

from monolith.table.config import Adagrad, Adam, Ftrl, Optimizer, Sgd

WORD = 2**64


def mix(x: int) -> int:
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        x = ((x ^ (x >> 33)) * multiplier) % WORD
    return x ^ (x >> 33)


def unmix(x: int) -> int:
    """The fid whose hash is `x`: the hash is one to one, so there is always one."""
    for multiplier in (0xC4CEB9FE1A85EC53, 0xFF51AFD7ED558CCD):
        x = ((x ^ (x >> 33)) * pow(multiplier, -1, WORD)) % WORD
    x ^= x >> 33
    return x - WORD if x >= WORD // 2 else x


def uniform(seed: int, fid: int, column: int, low: float, high: float) -> float:
    golden = 0x9E3779B97F4A7C15
    start = mix(fid % WORD ^ mix((seed + golden) % WORD))
    bits = mix((start + (column + 1) * golden) % WORD)
    return low + (high - low) * (bits >> 40) / 2**24


def step(
    optimizer: Optimizer, w: np.ndarray, state: np.ndarray, g: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (D,) and state after one gradient (D,)."""
    dim = len(w)
    match optimizer:
        case Sgd():
            return w - rate * g, state
        case Adagrad():
            g = g + optimizer.weight_decay_factor * w
            n = state + g**2
            return w - rate * g / np.sqrt(n), n
        case Adam():
            g = g + optimizer.weight_decay_factor * w
            m, v, (p1, p2) = state[:dim], state[dim : 2 * dim], state[2 * dim :]
            m = optimizer.beta1 * m + (1 - optimizer.beta1) * g
            v = optimizer.beta2 * v + (1 - optimizer.beta2) * g**2
            ahead = optimizer.beta1 * m + (1 - optimizer.beta1) * g if optimizer.use_nesterov else m
            w = w - rate * np.sqrt(1 - p2) / (1 - p1) * ahead / (np.sqrt(v) + optimizer.epsilon)
            return w, np.concatenate([m, v, [p1 * optimizer.beta1, p2 * optimizer.beta2]])
        case Ftrl():
            n, z = state[:dim] + g**2, state[dim:]
            z = z + g - (np.sqrt(n) - np.sqrt(state[:dim])) / rate * w
            excess = z - np.sign(z) * np.minimum(np.abs(z), optimizer.l1_regularization_strength)
            curvature = (optimizer.beta + np.sqrt(n)) / rate + optimizer.l2_regularization_strength
            w = -np.divide(excess, curvature, out=np.zeros(dim), where=excess != 0)
            return w, np.concatenate([n, z])
