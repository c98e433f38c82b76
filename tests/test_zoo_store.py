"""A classifier written and read back; whatever is wrong with its files is one sentence and hurts no other."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_classifiers import ids_of
from toy_zoo import APLN, LABELS, OTHERS, WORDS, alter, assert_refused, build_zoo, make

from models.classifier import pad_batch
from models.poolers import POOLERS
from models.zoo.catalogue import catalogue, find, problems
from models.zoo.errors import ZooError
from models.zoo.store import load_classifier, write
from models.zoo.word_tables import _table, read_table, write_table


@pytest.fixture
def zoo(tmp_path):
    return build_zoo(tmp_path)


@pytest.mark.parametrize("pooler", POOLERS)
@pytest.mark.parametrize("encoder", ["embedding", "bilstm"])
def test_what_is_written_is_what_is_read(tmp_path, pooler, encoder):
    recipe, classifier = make(pooler, encoder)
    entry = write_table(tmp_path / "toy", "words", WORDS, classifier.table.weight.detach())
    card = write(tmp_path / "toy", classifier, recipe, entry, {"metrics": {}})
    loaded = load_classifier(recipe.id, tmp_path)
    assert loaded.spec == card.spec
    assert (loaded.labels, loaded.max_tokens, loaded.vocabulary.words) == (LABELS, recipe.max_tokens, WORDS.words)
    for name, value in classifier.state_dict().items():
        # Small tensors keep every bit; the table and large matrices are rounded to float16.
        small = name != "table.weight" and value.numel() <= 1024
        expected = value if small else value.half().float()
        assert torch.equal(loaded.state_dict()[name], expected), name
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    batch = pad_batch([ids_of(loaded)])
    torch.testing.assert_close(loaded(*batch), classifier.eval()(*batch).detach(), rtol=1e-2, atol=1e-3)
    assert loaded.pooler.learned() == classifier.pooler.learned()
    shown = [(p.name, p.initial) for p in card.learned]
    assert shown == [(p.name, tuple(round(v, 5) for v in p.initial)) for p in classifier.pooler.learned()]


def test_options_come_back(zoo):
    loaded = load_classifier(APLN, zoo)
    assert (loaded.pooler.reading, loaded.pooler.limit) == ("B", "sigmoid")
    assert find(APLN, zoo).accuracy == 0.5


def test_two_classifiers_hold_one_table_in_memory(zoo):
    one, two = load_classifier("toy/cnn/mean", zoo), load_classifier(APLN, zoo)
    assert one.table.weight is two.table.weight
    assert one.vocabulary is two.vocabulary


def test_the_digest_names_all_that_decides_an_output(zoo):
    digests = [card.spec.digest for card in catalogue(zoo)]
    assert len(set(digests)) == 3
    entry = find(APLN, zoo).record["table"]
    recipe, classifier = make("apln", reading="B", limit="sigmoid")
    written = find(APLN, zoo).spec.digest
    assert write(zoo / "toy", classifier, recipe, entry, {}).spec.digest == written
    other = make("apln", reading="A", limit="sigmoid")[0]
    assert write(zoo / "toy", classifier, other, entry, {}).spec.digest != written
    foreign = {**entry, "words_sha256": "0" * 64}
    assert write(zoo / "toy", classifier, recipe, foreign, {}).spec.digest != written


def test_missing_and_damaged_weights(zoo):
    file = zoo / "toy" / "cnn-apln.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-8])
    assert_refused(zoo, "toy/cnn/apln: the file cnn-apln.safetensors is damaged or foreign (its digest differs)")
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert_refused(zoo, "is damaged or foreign (its digest differs); restore it")
    file.unlink()
    assert_refused(zoo, "the file cnn-apln.safetensors is missing; restore it or train the classifier again")


@pytest.mark.parametrize("name", ["words.safetensors", "words.txt"])
def test_missing_and_damaged_tables(zoo, name):
    shutil.copytree(zoo / "toy", zoo / "twin")
    file = zoo / "twin" / name
    file.write_bytes(file.read_bytes()[:-1])
    record = json.loads((zoo / "twin" / "cnn-mean.json").read_text(encoding="utf-8"))
    with pytest.raises(ZooError, match=f"^word (table|list) twin/words: the file {name} is damaged or foreign"):
        read_table(zoo / "twin", record["table"])
    file.unlink()
    with pytest.raises(ZooError, match=f"the file {name} is missing; restore it"):
        read_table(zoo / "twin", record["table"])


def test_packed_words_are_the_same_words(zoo):
    entry = find(APLN, zoo).record["table"]
    words, table = read_table(zoo / "toy", entry)
    packed = write_table(zoo / "packed", "words", words, table.data, packed=True)
    assert {name: packed[name] for name in packed} == {name: entry[name] for name in packed}
    file = zoo / "packed" / "words.txt.gz"
    assert [path.name for path in sorted((zoo / "packed").iterdir())] == ["words.safetensors", "words.txt.gz"]
    assert read_table(zoo / "packed", packed)[0].words == words.words
    before = file.read_bytes()
    write_table(zoo / "packed", "words", words, table.data, packed=True)
    assert file.read_bytes() == before
    for data in (before[:-9], b"dull\nbad", before[:10], b""):
        file.write_bytes(data)
        _table.cache_clear()
        with pytest.raises(ZooError, match=r"^word list packed/words: the file words.txt.gz is damaged or foreign"):
            read_table(zoo / "packed", packed)
    file.unlink()
    with pytest.raises(ZooError, match=r"the file words.txt is missing; restore it"):
        read_table(zoo / "packed", packed)


def put(zoo, data):
    """Give the APLN other bytes as weights, with a card that vouches for them."""
    (zoo / "toy" / "cnn-apln.safetensors").write_bytes(data)
    alter(zoo, weights={"file": "cnn-apln.safetensors", "sha256": hashlib.sha256(data).hexdigest()})


def test_foreign_tensors_are_refused_though_their_digest_is_right(zoo, tmp_path):
    own = load_file(zoo / "toy" / "cnn-apln.safetensors")
    before = load_classifier("toy/cnn/mean", zoo).table.weight.clone()
    for tensors, part in (
        ({"bert.weight": torch.zeros(3)}, "the weights do not fit the card (tensors bert.weight, encoder."),
        ({k: v for k, v in own.items() if k != "pooler.p.rho"}, "(tensors pooler.p.rho)"),
        ({**own, "head.bias": torch.zeros(7)}, "size mismatch for head.bias"),
        ({**own, "table.weight": torch.ones(3, 3)}, "(tensors table.weight)"),
    ):
        save_file(tensors, tmp_path / "foreign.safetensors")
        put(zoo, (tmp_path / "foreign.safetensors").read_bytes())
        assert_refused(zoo, "toy/cnn/apln: ", part, "restore both files")
    for data in (b"", b"not tensors", b"\x80\x04pickle"):
        put(zoo, data)
        assert_refused(zoo, "the weights do not fit the card")
    # Not even one that brings a table of its own writes into the table that all share.
    save_file({**own, "table.weight": torch.ones_like(before)}, tmp_path / "foreign.safetensors")
    put(zoo, (tmp_path / "foreign.safetensors").read_bytes())
    assert_refused(zoo, "(tensors table.weight)")
    assert torch.equal(load_classifier("toy/cnn/mean", zoo).table.weight, before)


def test_an_unknown_id_lists_the_choices(zoo):
    listed = ", ".join([APLN, *OTHERS])
    with pytest.raises(ZooError, match=f"^there is no classifier 'toy/cnn/sum'; choose one of: {listed}$"):
        load_classifier("toy/cnn/sum", zoo)
    with pytest.raises(ZooError, match="choose one of: none: the zoo is empty$"):
        load_classifier("toy/cnn/mean", zoo / "nowhere")
    assert problems(zoo) == ()


def test_the_catalogue_knows_no_torch(zoo, root):
    code = (
        "import sys; from models.zoo import catalogue\n"
        f"print([card.spec.id for card in catalogue({str(zoo)!r})])\n"
        "print(sorted({'torch', 'numpy', 'safetensors', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str([APLN, *OTHERS]), "[]"]
