"""Word tables of 8 and 16 bits come back as they were trained on; packed matrices within half a step."""

from __future__ import annotations

import pytest
import torch

from models.errors import PoolScopeError
from models.text import Vocabulary
from models.training.rounding import pack, pack_rows, rounded, unpack, unpack_rows
from models.zoo.word_tables import read_table, write_table


def weights(rows=50, size=16):
    table = torch.randn(rows, size, generator=torch.Generator().manual_seed(3)) * torch.logspace(-3, 1, rows)[:, None]
    table[0] = 0
    return table


def test_eight_bits_are_off_by_half_a_step_at_most():
    table = weights()
    error = (rounded(table, 8) - table).abs()
    # Half a step of 1/127 of the word's largest number; the scale's own rounding moves up to 127 steps by 2^-11 each.
    allowed = table.abs().amax(1, keepdim=True) * (0.5 / 127 + 2**-11)
    assert bool((error <= allowed + 1e-7).all())
    assert float(error.max()) > 0
    assert bool((rounded(table, 8)[0] == 0).all())


@pytest.mark.parametrize("bits", [8, 16])
def test_rounding_twice_changes_nothing(bits):
    once = rounded(weights(), bits)
    # The largest number of a word is 127 steps again, so scale and steps are found again.
    torch.testing.assert_close(rounded(once, bits), once, rtol=1e-3 if bits == 8 else 0, atol=1e-6)


def test_sixteen_bits_are_torch_s_own_half_precision():
    assert torch.equal(rounded(weights()), weights().half().float())


@pytest.mark.parametrize("bits", [8, 16])
def test_a_written_table_is_read_as_it_was_rounded(tmp_path, bits):
    table, vocabulary = weights(), Vocabulary([f"w{i}" for i in range(48)])
    entry = write_table(tmp_path, "words", vocabulary, table, bits)
    words, read = read_table(tmp_path, entry)
    assert torch.equal(read.data, rounded(table, bits))
    assert words.words == vocabulary.words


def test_eight_bits_take_half_the_room():
    def size(bits):
        return sum(value.numel() * value.element_size() for value in pack(weights(1000, 100), bits).values())

    assert size(8) < 0.52 * size(16)


def test_other_widths_are_refused():
    with pytest.raises(PoolScopeError, match="4 bits was asked for; expected 8 or 16"):
        pack(weights(), 4)
    assert unpack(pack(weights(), 8)).dtype == torch.float32


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("columns", [8, 13, 100])
def test_packed_rows_are_off_by_half_a_step_at_most(bits, columns):
    matrix = weights(30, columns)
    codes, scale = pack_rows(matrix, bits)
    assert codes.dtype == torch.uint8
    assert codes.shape == (30, -(-columns * bits // 8))
    read = unpack_rows(codes, scale, columns)
    steps = 2 ** (bits - 1) - 1
    allowed = matrix.abs().amax(1, keepdim=True) * (0.5 / steps + 2**-11)
    assert bool(((read - matrix).abs() <= allowed + 1e-6 * steps).all())
    assert bool((read[0] == 0).all())
    # What was packed once is packed again without a loss.
    torch.testing.assert_close(unpack_rows(*pack_rows(read, bits), columns), read, rtol=1e-3, atol=1e-6 * steps)


def test_packed_rows_are_written_high_bit_first():
    matrix = torch.tensor([[3.0, -3.0, 0.0, 1.0, 2.0, -1.0, -2.0, 0.0, 3.0]])
    codes, scale = pack_rows(matrix, 3)
    written = "".join(f"{byte:08b}" for byte in codes[0].tolist())
    assert written == "".join(f"{int(value) + 3:03b}" for value in matrix[0]).ljust(32, "0")
    assert scale.tolist() == [[1.0]]


@pytest.mark.parametrize(("shape", "bits"), [((9,), 7), ((9, 7), 7), ((9, 9), 1), ((9, 9), 16)])
def test_what_cannot_be_packed_is_refused(shape, bits):
    with pytest.raises(PoolScopeError, match=r"was to be packed in \d+ bits; expected a matrix of 8 columns or more"):
        pack_rows(torch.zeros(shape), bits)


@pytest.mark.parametrize("change", ["columns", "dtype", "rows", "one axis"])
def test_codes_of_another_matrix_are_refused(change):
    codes, scale = pack_rows(weights(5, 16), 7)
    columns = {"columns": 40}.get(change, 16)
    codes = {"dtype": codes.to(torch.int8), "one axis": codes.flatten()}.get(change, codes)
    scale = scale[1:] if change == "rows" else scale
    with pytest.raises(PoolScopeError, match=f"came for {columns} columns; expected bytes"):
        unpack_rows(codes, scale, columns)
