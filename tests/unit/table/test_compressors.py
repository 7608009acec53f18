"""Compressors: what others published of them, and laws between encoding, decoding and reading."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monolith.table.compressors import as_read, backward, decode, encode, scale_at
from monolith.table.config import FixedR8, Fp16, Fp32, OneBit
from tests.upstream import by_name, vectors

KINDS = [Fp32(), Fp16(), FixedR8(), FixedR8(0.3), OneBit(), OneBit(amplitude=2.0)]
rows = arrays(np.float32, (3, 4), elements=st.floats(-4, 4, width=32))


def kept(compressor, values):
    return decode(compressor, encode(compressor, np.atleast_2d(np.array(values, np.float32))))[0]


def read(compressor, values, step=0):
    out = np.atleast_2d(np.array(values, np.float32))
    as_read(compressor, out, 0, out.shape[1], step)
    return out[0]


@pytest.mark.parametrize("vector", vectors("compressor", "fp16_roundtrip", "fp32_roundtrip"))
def test_floats_come_back(vector):
    compressor = {"fp16": Fp16(), "fp32": Fp32()}[vector["given"]["compressor"]]
    decoded = kept(compressor, vector["given"]["values"])
    expected = np.float32(vector["expect"]["decoded"])
    np.testing.assert_allclose(decoded, expected, rtol=0, atol=vector["tolerance"])


@pytest.mark.parametrize("how", [kept, read])
@pytest.mark.parametrize(
    "vector", vectors("compressor", "fake_quantize_rounding", "fake_quantize_zero_and_nan")
)
def test_rounds_to_steps(how, vector):
    quantised = how(FixedR8(vector["given"]["r"]), [float(v) for v in vector["given"]["values"]])
    np.testing.assert_allclose(quantised, vector["expect"]["quantized"], rtol=0, atol=vector["tolerance"])


def test_large_values_stay_below_r():
    vector = by_name("compressor")["fake_quantize_large_is_below_r"]
    assert read(FixedR8(5.0), [vector["given"]["value"]])[0] == 127 * 5 / 128 < vector["expect"]["less_than"]
    assert read(FixedR8(5.0), [-100, np.inf, -np.inf]).tolist() == [-5, 127 * 5 / 128, -5]


def test_a_value_is_off_by_less_than_a_step():
    vector = by_name("compressor")["fake_quantize_error_below_step"]
    off = abs(read(FixedR8(vector["given"]["r"]), [3.5])[0] - 3.5)
    assert off < vector["expect"]["abs_error_less_than"]


def test_a_row_is_off_by_at_most_a_step():
    vector = by_name("compressor")["fake_quant_retriever_error_bound"]
    values = np.linspace(-1, 1, 1001).astype(np.float32)
    assert np.abs(read(FixedR8(), values) - values).max() <= vector["expect"]["max_abs_error"]


def test_hash_net_starts_at_its_scale():
    vector = by_name("compressor")["hash_net_forward_initial_scale"]
    given_, expected = vector["given"], vector["expect"]["forward"]
    compressor = OneBit(given_["step_size"], given_["amplitude"], given_["scale"])
    np.testing.assert_allclose(read(compressor, given_["values"]), expected, rtol=0, atol=vector["tolerance"])


def test_one_bit_keeps_signs():
    vector = by_name("compressor")["one_bit_sign"]
    decoded = kept(OneBit(amplitude=1.0), vector["given"]["values"])
    assert decoded.tolist() == vector["expect"]["decoded"]


@given(rows, st.sampled_from(KINDS))
def test_what_is_kept_is_kept(values, compressor):
    """Encoding what was decoded changes nothing, and takes the bytes that are told."""
    once = encode(compressor, values)
    np.testing.assert_array_equal(encode(compressor, decode(compressor, once)), once)
    assert once.itemsize == {Fp32: 4, Fp16: 2}.get(type(compressor), 1)


@given(rows)
def test_fixed_r8_serves_what_was_read(values):
    before = values.copy()
    as_read(FixedR8(0.7), values, 1, 3, 0)
    np.testing.assert_array_equal(values[:, 1:3], decode(FixedR8(0.7), encode(FixedR8(0.7), before[:, 1:3])))
    np.testing.assert_array_equal(values[:, [0, 3]], before[:, [0, 3]])


@pytest.mark.parametrize(
    ("step", "scale"), [(0, 2), (199, 2), (200, 8**0.5), (399, 8**0.5), (400, 12**0.5), (10**6, 50)]
)
def test_the_tanh_gets_steeper(step, scale):
    assert scale_at(OneBit(init_scale=2.0, max_scale=50.0), step) == np.float32(scale)


@given(rows, st.sampled_from([0, 1000]))
def test_backward_is_the_derivative(values, step):
    compressor, h = OneBit(amplitude=0.5), np.float32(2**-8)
    grads = np.ones((1, 12), np.float32)
    values = values.reshape(1, 12)
    backward(compressor, values, grads, step)
    slope = (read(compressor, values + h, step) - read(compressor, values - h, step)) / (2 * h)
    np.testing.assert_allclose(grads[0], slope, atol=2e-3)
