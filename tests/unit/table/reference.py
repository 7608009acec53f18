"""The table's formulas a second time, in float64 and plain Python, written from the papers."""

import math

import numpy as np

from monolith.table.config import (
    Adadelta,
    Adagrad,
    Adam,
    Amsgrad,
    BatchSoftmax,
    DynamicWdAdagrad,
    Ftrl,
    GroupAdaGrad,
    GroupFtrl,
    Momentum,
    MovingAverage,
    Optimizer,
    Rmsprop,
    RmspropV2,
    Sgd,
)

WORD = 2**64
GOLDEN = 0x9E3779B97F4A7C15


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


def salt(seed: int) -> int:
    return mix((seed + GOLDEN) % WORD)


def bits(salted: int, fid: int, column: int) -> int:
    return mix((mix(fid % WORD ^ salted) + (column + 1) * GOLDEN) % WORD)


def uniform(seed: int, fid: int, column: int, low: float, high: float) -> float:
    return low + (high - low) * (bits(salt(seed), fid, column) >> 40) / 2**24


def normal(seed: int, fid: int, column: int, farthest: float) -> float:
    """Box and Muller's, drawn until it is not farther than that."""
    drawn = bits(salt(seed), fid, column)
    while True:
        first, second = divmod(drawn, 2**32)
        z = math.sqrt(-2 * math.log((first + 1) / 2**32)) * math.cos(2 * math.pi * second / 2**32)
        if abs(z) <= farthest:
            return z
        drawn = mix((drawn + GOLDEN) % WORD)


def step(
    optimizer: Optimizer, w: np.ndarray, state: np.ndarray, g: np.ndarray, rate: float, step: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (D,) and state after one gradient (D,)."""
    o = optimizer
    decayed = g + getattr(o, "weight_decay_factor", 0.0) * w
    match o:
        case Sgd():
            return w - rate * g, state
        case Momentum():
            n = o.momentum * state - rate * decayed
            ahead = (1 + o.momentum) * n - o.momentum * state
            return w + (ahead if o.use_nesterov else n), n
        case MovingAverage():
            return o.momentum * w + (1 - o.momentum) * g, state
        case BatchSoftmax():
            seen = state[0] * 2**24 + state[1]
            return (1 - rate) * w + rate * (step - seen), np.array(divmod(step, 2**24), float)
        case Adam() | Amsgrad():
            return _moments(o, w, state, decayed, rate)
        case Ftrl() | GroupFtrl():
            return _leader(o, w, state, g, rate)
    return _adaptive(o, w, state, (g, decayed), rate)


def _adaptive(o, w, state, gradients, rate):
    g, decayed = gradients
    match o:
        case Adagrad():
            n = state + decayed**2
            return w - rate * decayed / np.sqrt(n), n
        case DynamicWdAdagrad():
            seen = g if o.decouple_weight_decay else decayed
            n = state + seen**2
            apart = rate * o.weight_decay_factor * w if o.decouple_weight_decay else 0
            return w - rate * seen / np.sqrt(n) - apart, n
        case GroupAdaGrad():
            total = state + max(decayed**2)
            effective = rate / (o.beta + math.sqrt(total[0]))
            z = decayed - w / effective
            length = np.linalg.norm(z)
            kept = max(length - o.l2_regularization_strength, 0) / length
            return -effective * kept * z, total
        case Adadelta():
            accum, update = np.split(state, 2)
            a = o.averaging_ratio * accum + (1 - o.averaging_ratio) * decayed**2
            u = np.sqrt(update + o.epsilon) / np.sqrt(a + o.epsilon) * decayed
            d = o.averaging_ratio * update + (1 - o.averaging_ratio) * u**2
            return w - rate * u, np.concatenate([a, d])
        case Rmsprop() | RmspropV2():
            new = 1 if isinstance(o, RmspropV2) else 1 - o.momentum
            n = o.momentum * state + new * decayed**2
            return w - rate * decayed / (np.sqrt(n) + 1), n
    raise NotImplementedError(o)


def _moments(o, w, state, g, rate):
    dim, (p1, p2) = len(w), state[-2:]
    m = o.beta1 * state[:dim] + (1 - o.beta1) * g
    v = o.beta2 * state[dim : 2 * dim] + (1 - o.beta2) * g**2
    highest = np.maximum(state[2 * dim : 3 * dim], v) if isinstance(o, Amsgrad) else v
    ahead = o.beta1 * m + (1 - o.beta1) * g if o.use_nesterov else m
    w = w - rate * np.sqrt(1 - p2) / (1 - p1) * ahead / (np.sqrt(highest) + o.epsilon)
    kept = [m, v, highest] if isinstance(o, Amsgrad) else [m, v]
    return w, np.concatenate([*kept, [p1 * o.beta1, p2 * o.beta2]])


def _leader(o, w, state, g, rate):
    before, zero = np.split(state, 2)
    n, l1 = before + g**2, o.l1_regularization_strength
    z = zero + g - (np.sqrt(n) - np.sqrt(before)) / rate * w
    length = np.linalg.norm(z) if isinstance(o, GroupFtrl) else np.abs(z)
    excess = z * np.maximum(1 - l1 / np.where(length > 0, length, 1), 0)
    curvature = (o.beta + np.sqrt(n)) / rate + o.l2_regularization_strength
    w = -np.divide(excess, curvature, out=np.zeros(len(w)), where=excess != 0)
    return w, np.concatenate([n, z])
