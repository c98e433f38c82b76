"""What the twins are asked: a question, an argument, what follows and what does not, for each kind of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Panel:
    """One question to twins of some ``kinds``; facts as those of an experiment."""

    name: str
    kinds: tuple[str, ...]
    title: str
    question: str
    claim: str
    protocol: str
    source: str
    ends: str
    shows: str
    shows_not: str


PANELS: Final = tuple((
    Panel(
        name="seeds",
        kinds=("seed",),
        title="Other seeds",
        question="How differently does the same reader attend when only chance was different in its training?",
        claim=(
            "If two trainings that differ in nothing but chance attend to other words, neither attention can be the "
            "one explanation; and whatever distance they have is the measure for every other distance on this page."
        ),
        protocol=(
            "The same recipe and texts with other seeds: other initial weights, another order of the texts, other "
            "dropout. Between every two attentions on your words: the Jensen-Shannon divergence (nats) and Kendall's "
            "τ."
        ),
        source="Wiegreffe & Pinter, EMNLP 2019, §3.3",
        ends=(
            "JSD near 0: chance in training hardly matters for where a reader looks. Near .693: two trainings look at "
            "different words altogether."
        ),
        shows=(
            "Which distance is ordinary between readers that are equally good: an altered attention that is no "
            "further away than this is not remarkable."
        ),
        shows_not=(
            "That seeds agree does not show that their attention is faithful: all may attend to a word that none of "
            "them needs. And a handful of seeds is a small sample."
        ),
    ),
    Panel(
        name="uniform",
        kinds=("uniform",),
        title="Uniform attention",
        question="Did this task need attention at all, or would weighing all words alike have done?",
        claim=(
            "Where a reader that weighs all words alike is as good, attention was not needed, and arguing over what "
            "it explains is idle."
        ),
        protocol=(
            "The same recipe with every weight fixed at 1/N, in training and in use. Test accuracy beside that of the "
            "reader and of its other seeds, and the prediction on your text."
        ),
        source="Wiegreffe & Pinter, EMNLP 2019, §3.2",
        ends=(
            "No more than seeds differ by: attention bought nothing here. Clearly more: choosing words pays."
        ),
        shows="What learned attention buys on this task, in test accuracy.",
        shows_not=(
            "It does not show that this reader's attention is idle: it was trained with it and may rely on it. "
            "Shuffling its weights (Permutation) asks that."
        ),
    ),
    Panel(
        name="adversarial",
        kinds=("adversarial",),
        title="Adversaries",
        question="Can a whole reader be trained to give the same answers from another attention, and at what price?",
        claim=(
            "Weights found for one text alone prove little, since no trained reader has them. So a reader is trained "
            "to attend elsewhere on every text; if that costs it the answers, attention was not free to be anything."
        ),
        protocol=(
            "Trained from scratch on the reader's answers, to minimise the change of the answer less λ times the "
            "distance of the attention: TVD − λ KL. The larger λ, the further away it wants to be. The curve holds "
            "the means over the test texts."
        ),
        source="Wiegreffe & Pinter, EMNLP 2019, §4",
        ends=(
            "JSD large and TVD small: another attention with the same answers, which is what the adversary wants. TVD "
            "that rises with JSD: the attention cannot be moved without paying in answers."
        ),
        shows=(
            "How far a trained attention can go before the answers change. A curve that stays low to the right means "
            "that the answers alone do not tell which words were weighed."
        ),
        shows_not=(
            "It does not show that the first reader's attention is unfaithful: an adversary is another reader with "
            "other states, and each attention may be true of its own."
        ),
    ),
    Panel(
        name="deceptive",
        kinds=("deceptive",),
        title="Deceivers",
        question="Can a reader rely on words that its attention does not show?",
        claim=(
            "If a reader can be taught to hide words from its attention and still use them, a clean attention map is "
            "no proof that those words were not used."
        ),
        protocol=(
            "The words that the reader attends to most are forbidden. A twin learns the task with a penalty of λ on "
            "the weight it gives them. Then each forbidden word is deleted from your text and the text read again, by "
            "both."
        ),
        source="Pruthi, Gupta, Dhingra, Neubig & Lipton, ACL 2020",
        ends=(
            "A weight near 0 on a word that takes much with it when deleted: the attention hides what the answer uses. "
            "Weight and loss that go together: it does not."
        ),
        shows=(
            "Where the weight is gone but deleting the word still moves the answer, the twin uses a word that its "
            "attention hides: the encoder carried it to its neighbours."
        ),
        shows_not=(
            "It does not show that readers which were not trained to deceive hide anything. Nor does it catch a twin "
            "that has really learned to do without these words: then deleting them moves nothing."
        ),
    ),
    Panel(
        name="diverse",
        kinds=("diversity", "orthogonal"),
        title="Diverse states",
        question="Does it matter more which word is weighed once the states no longer resemble each other?",
        claim=(
            "In a plain LSTM the states of all words point nearly the same way, so any weights give nearly the same "
            "vector. Spread the states out, and attention has something to choose between."
        ),
        protocol=(
            "One twin was trained with a penalty on conicity, one has an LSTM whose states stand at right angles to "
            "those before. Conicity on the test texts and on yours, and the median change of the output over 100 "
            "shuffles of the weights."
        ),
        source="Mohankumar, Nema, Narasimhan, Khapra, Srinivasan & Ravindran, ACL 2020",
        ends=(
            "Conicity near 1: the states are alike, and a shuffle can change little. A lower one with a larger change "
            "under a shuffle: the weights decide more."
        ),
        shows=(
            "Where conicity falls and a shuffle changes the output more, the attention of the twin takes part in the "
            "answer more than the reader's does."
        ),
        shows_not=(
            "To take part is not to explain: a twin that is sensitive to its weights may still have mixed other words "
            "into the states that it weighs."
        ),
    ),
    Panel(
        name="guided",
        kinds=("guided",),
        title="Borrowed weights",
        question="Do the reader's weights help a model that sees each word by itself?",
        claim=(
            "If weights learned with context help a model without any, they say something about the words they stand "
            "on, and not only about states that no one else has."
        ),
        protocol=(
            "A model without context (each word through one layer) is trained and tested with weights from elsewhere: "
            "all alike, its own, the reader's, or those of an adversary. Its test accuracy with each."
        ),
        source="Wiegreffe & Pinter, EMNLP 2019, §3.4",
        ends=(
            "More accurate than with uniform weights: the borrowed ones hold something of use also without context. No "
            "more accurate: nothing that this model could use."
        ),
        shows=(
            "Weights that beat uniform ones here point at words that matter by themselves; an adversary's, which do "
            "worse, were bought with a loss of that."
        ),
        shows_not=(
            "It does not show that the reader itself uses these words: the model that was helped is another one."
        ),
    ),
))  # fmt: skip
