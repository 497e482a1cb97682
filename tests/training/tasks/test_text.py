"""Generation and language modelling: what is learned, and what a generative model is asked."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import IGNORED
from slimtune.training.data.examples import Example
from slimtune.training.data_report.build import LONGER, data_report_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import DataError
from slimtune.training.evaluation.passes import EagerPasses
from slimtune.training.evaluation.score import score_split
from slimtune.training.hardware.resources import resolve
from slimtune.training.models.from_config import trained_tokenizer
from slimtune.training.models.generate import Generation, generate
from slimtune.training.tasks.causal_generation import fitted
from slimtune.training.tasks.rows import read_splits
from slimtune.training.tasks.seq2seq_generation import shifted_right
from slimtune.training.workbench.prepared_data import PreparedData, prepare_data
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial
from tests.training.tasks.conftest import CASES, LLAMA, Case

ConfigFor = Callable[..., TrialConfig]
NAMED = {case.name: case for case in CASES}
WRITERS = [case for case in CASES if case.name.startswith("generation")]


def rows_of(data: PreparedData) -> list[tuple[list[int], list[int]]]:
    columns = data.encoded["train"].encoded.columns
    return [
        (columns["input_ids"].row(at).tolist(), columns["labels"].row(at).tolist())
        for at in range(len(data.rows.train))
    ]


def test_the_loss_is_on_the_answer_and_its_end(config_for: ConfigFor) -> None:
    data = prepare_data(config_for(NAMED["generation"], r"data.text_template='Q: {input}\nA: {target}'"))
    for example, (ids, labels) in zip(data.rows.train, rows_of(data), strict=True):
        learned = [label for label in labels if label != IGNORED]
        assert data.tokenizer.decode(learned[:-1]) == example.label
        assert learned[-1] == data.tokenizer.eos_token_id
        assert (
            data.tokenizer.decode(ids[: len(ids) - len(learned)]) == example.text == f"Q: {example.row['input']}\nA: "
        )


def test_the_prompt_counts_when_asked_to(config_for: ConfigFor) -> None:
    data = prepare_data(config_for(NAMED["generation"], "task.train_on_prompt=true"))
    assert all(ids == labels for ids, labels in rows_of(data))


def test_a_chat_is_written_by_the_tokenizers_template(config_for: ConfigFor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt ends where the assistant's turn begins, the loss is on that turn."""
    import slimtune.training.workbench.prepared_data

    rows = [
        {"messages": [{"role": "user", "content": f"{row['input']}?"}, {"role": "assistant", "content": row["target"]}]}
        for row in NAMED["generation"].rows
    ]
    load = slimtune.training.workbench.prepared_data.load_tokenizer

    def with_template(config: Any) -> Any:
        tokenizer = load(config)
        tokenizer.chat_template = (
            "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
            "{% if add_generation_prompt %}<assistant>{% endif %}"
        )
        return tokenizer

    monkeypatch.setattr(slimtune.training.workbench.prepared_data, "load_tokenizer", with_template)
    data = prepare_data(config_for(NAMED["generation"]._replace(rows=rows)))
    for example, (ids, labels) in zip(data.rows.train, rows_of(data), strict=True):
        learned = [label for label in labels if label != IGNORED]
        assert data.tokenizer.decode(ids[: len(ids) - len(learned)]) == f"<user>{example.messages[0][1]}<assistant>"
        assert data.tokenizer.decode(learned[:-1]) == example.messages[1][1]


def chat(*turns: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"messages": [{"role": role, "content": content} for role, content in turns]}]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            chat(("user", "a"), ("assistant", "b")),
            "by the tokenizer's template .it has none.; use",
        ),
        (chat(("user", "a"), ("assistant", None)), "row 49: message 2 of 'messages' has the 'content' null"),
        (chat(("user", "a")), "row 49: the last of 'messages' must be the assistant's answer"),
    ],
)
def test_a_chat_that_cannot_be_learned_is_told(config_for: ConfigFor, row: list[dict[str, Any]], message: str) -> None:
    case = NAMED["generation"]
    with pytest.raises(DataError, match=message):
        prepare_data(config_for(case._replace(rows=[*case.rows, *row]), "data.test_share=0"))


def test_a_chat_without_an_answer_is_an_empty_row(config_for: ConfigFor) -> None:
    case = NAMED["generation"]
    rows = [*case.rows, *chat(("user", "a"), ("assistant", " "))]
    assert read_splits(config_for(case._replace(rows=rows))).num_empty == 1


def test_a_shared_instruction_makes_no_leak_of_every_row(config_for: ConfigFor) -> None:
    """One that all rows have does not count.

    Of several, where a tenth of the rows are nearly held-out rows, it is what they share, and they stay.
    """
    case = NAMED["generation"]
    for num_prompts in (1, 2):
        prompts = [" ".join(f"{name}{number}" for number in range(60)) for name in ("rule", "law")[:num_prompts]]
        rows = [{**row, "text": f"{prompts[at % num_prompts]} {row['input']}"} for at, row in enumerate(case.rows)]
        splits = read_splits(config_for(case._replace(rows=rows), "data.drop_leaks=true"))
        assert len(splits.near_leaks) == (len(splits.train) if num_prompts > 1 else 0)
        assert splits.near_dropped is not splits.near_shared
        assert splits.near_shared is (num_prompts > 1)


@pytest.mark.parametrize(
    ("prompt", "answer", "kept"),
    [(4, 3, (4, 3)), (20, 3, (7, 3)), (3, 20, (3, 7)), (20, 20, (5, 5)), (20, 6, (5, 5))],
)
def test_a_long_row_loses_its_prompts_beginning_first(prompt: int, answer: int, kept: tuple[int, int]) -> None:
    """Down to half of the length; an answer is never cut away whole."""
    before, after = fitted(list(range(prompt)), list(range(answer)), 10)
    assert (len(before), len(after)) == kept
    assert before == list(range(prompt))[-len(before) :]
    assert after == list(range(answer))[: len(after)]


def test_only_what_the_tokenizer_adds_is_taken_from_a_prompts_end(tiny_model: Any) -> None:
    """BERT's closes each text; an end token that the template itself wrote stays."""
    from transformers import AutoTokenizer

    from slimtune.training.tasks.causal_generation import prompt_ids

    bert = AutoTokenizer.from_pretrained(tiny_model)
    (ids,) = prompt_ids([Example("some soup")], bert)
    assert ids == bert("some soup")["input_ids"][:-1]
    own = trained_tokenizer(["some soup"] * 3, 300)
    (ids,) = prompt_ids([Example(f"some{own.eos_token}")], own)
    assert ids[-1] == own.eos_token_id


def test_rows_that_were_cut_are_counted(config_for: ConfigFor) -> None:
    data = prepare_data(config_for(NAMED["generation"], "data.max_length=6"))
    encoded = data.encoded["train"].encoded
    assert encoded.num_cut == int((encoded.uncut_lengths() > 6).sum()) > 0
    assert encoded.lengths().max() <= 6


@pytest.mark.parametrize(("name", "second"), [("similarity", "other"), ("generation, encoder-decoder", "target")])
def test_of_two_texts_that_are_cut_each_by_itself_the_longer_one_counts(
    config_for: ConfigFor, name: str, second: str
) -> None:
    """A second text that is cut is told, however short the first one is."""
    rows = [
        {**row, second: f"{row[second]} {'found the way ' * (at % 3 * 9)}"} for at, row in enumerate(NAMED[name].rows)
    ]
    data = prepare_data(config_for(NAMED[name]._replace(rows=rows), "data.max_length=24"))
    encoded, num_rows = data.encoded["train"].encoded, len(data.rows.train)
    long = sum(len(example.row[second].split()) > 24 for example in data.rows.train)
    assert 0 < long <= encoded.num_cut < num_rows
    report = data_report_of(data)
    (train, *_) = report.splits
    assert train.num_cut == encoded.num_cut
    assert train.num_tokens > sum(encoded.uncut_lengths())
    assert LONGER in report.notes


def test_few_validation_rows_are_warned_of(config_for: ConfigFor) -> None:
    for num_rows, is_few in ((28, True), (48, False)):
        case = NAMED["generation"]._replace(rows=NAMED["generation"].rows[:num_rows])
        notes = data_report_of(prepare_data(config_for(case))).notes
        assert any("validation has 4 rows, by which trials are compared" in note for note in notes) is is_few


@pytest.mark.parametrize("case", WRITERS, ids=lambda case: case.name)
def test_a_batch_writes_what_each_row_writes_alone(case: Case, config_for: ConfigFor) -> None:
    """With the left padding that a causal model needs."""
    config = config_for(case)
    bench = workbench_for(config, resolve(config.fit))
    task: Any = bench.task
    prompts = task.prompts(bench.examples["validation"][:6], bench.tokenizer)
    assert len({len(prompt) for prompt in prompts}) > 1
    settings, device = Generation(6, 1), torch.device("cpu")
    together = generate(bench.base.model, prompts, bench.tokenizer, settings=settings, device=device)
    alone = [
        generate(bench.base.model, [prompt], bench.tokenizer, settings=settings, device=device)[0] for prompt in prompts
    ]
    assert together == alone
    assert any(together)


def test_documents_are_packed_without_a_token_lost(config_for: ConfigFor) -> None:
    """Blocks overlap by one token, so that each token of the stream but the first is predicted once."""
    data = prepare_data(config_for(NAMED["language_modelling"], "data.max_length=16"))
    columns = data.encoded["train"].encoded.columns["input_ids"]
    blocks = [columns.row(at).tolist() for at in range(len(columns))]
    stream = blocks[0] + [token for block in blocks[1:] for token in block[1:]]
    end = data.tokenizer.eos_token_id
    documents = [[*data.tokenizer(example.text)["input_ids"], end] for example in data.rows.train]
    assert stream == [token for document in documents for token in document]
    assert data.encoded["train"].targets.weights_N.sum() == len(stream) - 1
    assert all(one[-1] == other[0] for one, other in itertools.pairwise(blocks))


def test_perplexity_is_that_of_a_plain_loop(config_for: ConfigFor) -> None:
    config = config_for(NAMED["language_modelling"])
    bench = workbench_for(config, resolve(config.fit))
    split, nats, tokens = bench.splits["validation"], 0.0, 0
    for at in range(len(split)):
        ids = torch.tensor(split.encoded.row(at), dtype=torch.long)
        with torch.no_grad():
            logits = bench.base.model(ids[None]).logits[0]
        nats += float(cross_entropy(logits[:-1], ids[1:], reduction="sum"))
        tokens += len(ids) - 1
    scores = score_split(
        bench.base.model, split, task=bench.task, passes=EagerPasses(resolve(config.fit)), batch=(None, bench.tokenizer)
    ).scores
    assert scores["perplexity"] == pytest.approx(math.exp(nats / tokens), rel=1e-4)


def test_an_encoder_that_writes_no_text_is_refused(config_for: ConfigFor) -> None:
    from slimtune.training.errors import ModelError

    case = NAMED["generation"]._replace(overrides=("task=generation",))
    with pytest.raises(ModelError, match=r"which writes no text; .* model=tiny_llama method=full fit.epochs=20, and"):
        prepare_data(config_for(case))


def test_labels_written_as_text_have_accuracy_and_f1(config_for: ConfigFor) -> None:
    rows = [
        {"text": f"{row['input']}", "target": "yes" if "e" in row["input"][:3] else "no"}
        for row in NAMED["generation"].rows
    ]
    case = Case("labels", rows, ("task=generation", "task.metrics=[accuracy,f1,exact_match]", *LLAMA, "method=full"))
    config = config_for(case)
    bench = workbench_for(config, resolve(config.fit))
    evaluation = score_split(
        bench.base.model,
        bench.splits["validation"],
        task=bench.task,
        passes=EagerPasses(resolve(config.fit)),
        batch=(None, bench.tokenizer),
    )
    assert evaluation.generated is not None
    assert evaluation.scores["accuracy"] == evaluation.scores["exact_match"]
    assert {"f1_macro", "f1_micro"} <= evaluation.scores.keys()


def test_a_decoder_reads_its_answer_one_token_late(config_for: ConfigFor) -> None:
    """As T5's own method has it, for models that have none."""
    config = config_for(NAMED["generation, encoder-decoder"])
    model: Any = workbench_for(config, resolve(config.fit)).base.model
    labels = torch.tensor([[5, 6, 7], [8, IGNORED, IGNORED]])
    ids = {"start_id": model.config.decoder_start_token_id, "pad_id": model.config.pad_token_id}
    assert torch.equal(shifted_right(labels, **ids), model.prepare_decoder_input_ids_from_labels(labels=labels))


@pytest.mark.parametrize("name", ["generation, LoRA", "generation, LoRA, encoder-decoder"])
def test_a_frozen_base_drops_nothing_out(name: str, config_for: ConfigFor, tmp_path: Any) -> None:
    """Also where modules hand their share to a function: the same rows give the same loss twice."""
    config = config_for(NAMED[name])
    bench, resources = workbench_for(config, resolve(config.fit)), resolve(config.fit)
    trainer = TrialTrainer(FakeTrial({}, tmp_path), config, bench, resources)
    batch = trainer.micro_batch()
    first, second = (bench.task.logits(trainer.model, batch) for _ in range(2))
    assert torch.equal(first, second)
