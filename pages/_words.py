"""Definitions in plain words: a figure opens its own, the About page shows them all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Definition:
    """A term and what it means, in Markdown of our own."""

    title: str
    text: str


POOLING = Definition(
    "Pooling",
    """A text has many words, a decision needs one vector. The encoder turns every word $i$ into a **state** $h_i$
(a list of $D$ numbers); the **pooler** turns all states into one vector $r$; a linear head reads the classes off $r$.
Poolers differ in whom they listen to: *mean* hears everyone equally, *max* takes in each dimension the loudest voice,
*attention* learns whom to listen to, and *learned norms* learn how much the loud ones count.""",
)
ATTENTION = Definition(
    "Attention",
    """An attending pooler gives every word a weight $a_i$, all weights together being 1, and averages the states with
them. A large weight says: *this state is taken in*. It does not say what the state contains (the encoder has mixed the
neighbours into it), nor in which direction it pushes the decision. That gap is what this app is about.""",
)
ATTRIBUTION = Definition(
    "Attribution",
    """A way to give every word a number for one class of one prediction. Methods ask different questions: where does the
pooler look (attention), what does the word's state contribute (exact share), what happens to the score if the word's
vector changes a little (gradients), what if it is built up from nothing (integrated gradients), what if the word is
gone (leave-one-out). Different questions, different answers; none of them is *the* explanation.""",
)
FAITHFULNESS = Definition(
    "Faithfulness and plausibility",
    """A map is **faithful** if it shows what really moved the prediction, **plausible** if it looks right to a person.
The two have little to do with each other: a map of the words *you* find important may be far from those the reader used.
Leave-one-out is the nearest thing to a test here, because it really takes the word away and reads again.""",
)
SHARE = Definition(
    "Colour: share of absolute mass",
    r"""A score $s_i$ is drawn as its share of everything the method hands out in that text:
$s_i / \sum_j |s_j|$, with the sign kept. Methods have different units, shares do not, so all rows of all readers can
stand on one scale, from 0 to the largest share on the screen. The raw value stands beside it when you point at a word.
*Unsigned* methods (violet) only say how much; *signed* ones say for (orange) or against (blue) the class.""",
)
DELTA = Definition(
    "Δ, the completeness error",
    r"""Complete methods promise that their scores add up: $\sum_i s_i = F(\text{text}) - F(\text{baseline})$, where $F$
is the score (logit) of the class. Δ is by how much they miss, in percent of that difference. Under 1 % is fine;
a row that stays above says so.""",
)
RANK = Definition(
    "Rank",
    "A word's place when all words of the text are ordered by the size of their score, 1 being the strongest. "
    "Equal scores share the better place.",
)
WITHOUT = Definition(
    "Without it",
    """The probability of the class once the word is taken out and the rest is read anew, all other words closing up.
*Deleting* shortens the text; *masking* puts the unknown word in its place, so that the length stays.
If the two differ much, it was the place that mattered, or the reader is easily confused by gaps.""",
)
TAU = Definition(
    "Agreement: Kendall's τ_b",
    r"""Take two words; do both maps put them in the same order? $\tau_b$ is the number of pairs ordered alike minus the
number ordered differently, over all pairs, corrected for ties: **1** the same order, **0** no relation, **−1** reversed.
Two signed maps are compared with their signs; as soon as one has none, both are compared by size.
The *p-value* says how often two unrelated maps would agree at least that much; in short texts even large τ may be
chance. *Spearman's ρ* asks the same with ranks; *top-5 overlap* is the share of the five strongest words that two maps
have in common. A map in which all words are equal has no order: then there is a dash and a reason, never a 0.""",
)
SCATTER = Definition(
    "Attention against attribution",
    """Each point is a word. If attention explained the prediction, the words to the right would also be the ones far from
zero, and all of them large. A word far right near zero is looked at without effect; one on the left far from zero moves
the prediction without being looked at. The area is what happens when the word is really taken out.""",
)
SLOPE = Definition(
    "Rank slopes",
    "The same two maps as orders: on the left the words ranked by attention, on the right by the other method. "
    "Level lines are agreement; steep ones are words that one map finds important and the other does not.",
)
LADDER = Definition(
    "The ladder",
    r"""From *where does it look* to *what happens without it* there are several steps, and each adds one thing:

1. $a_i$, the attention weight;
2. $a_i\,\lVert h_i \rVert$: a weight on a tiny state moves nothing;
3. the exact share, $a_i\,(W_c \cdot h_i)$ for attention: which way does the state push this class?
4. the gradient through the weights too: changing a word also changes who is listened to;
5. gradient × embedding: back through the encoder, which had mixed the neighbours in;
6. leave-one-out: a real removal instead of a small change.

Between two rungs stands their $\tau_b$. The rung where it drops names the cause of the disagreement.""",
)
NORM = Definition(
    "The norm p",
    r"""One number between *mean* and *max*. With $p = 1$ all states count as in an average; the larger $p$, the more the
largest ones drown the others, until at $p = \infty$ only the maximum is heard; towards $p = 0$ the small ones count most.
Poolers with a **learned norm** find their own $p$ in training. In APLN (reading A) the same $p$ also sharpens the
attention: what acts is $\mathrm{softmax}(p \cdot s)$ instead of $\mathrm{softmax}(s)$, the *effective attention*.""",
)
POOLED_SHARE = Definition(
    "Share of the pooled vector",
    "How much of each dimension of $r$ comes from each word, averaged over the dimensions; all words together make "
    "100 %. It says who got in, not what they said.",
)
TRAINING = Definition(
    "Training history",
    "One point per epoch (one pass over the training data). *Dev* is data that was held back to decide when to stop; "
    "the weights kept are those of the best dev score, the test score is measured on them once.",
)

# The order in which the About page tells them.
BASICS = (POOLING, ATTENTION, ATTRIBUTION, FAITHFULNESS)
NUMBERS = (SHARE, RANK, DELTA, WITHOUT, TAU, NORM, POOLED_SHARE)
FIGURES = (SCATTER, SLOPE, LADDER, TRAINING)

LIMITS = (
    "**Words, not meanings.** The readers are small (a few hundred thousand numbers) and were trained from scratch; they "
    "know the words of their training data and nothing else. Words they never saw are dotted and read as one unknown word.",
    "**One scalar.** All maps speak about the logit of one class. Probabilities would squeeze the same effects near 0 and 1.",
    "**Removal is a question, too.** A text with a hole is not a text the reader was trained on, so leave-one-out mixes "
    "the word's importance with the oddity of the rest.",
    "**Ranks of short texts are shaky.** With ten words, a τ of 0.4 can be chance: look at the p-value.",
    "**APLN.** No public code of the paper exists; its abstract allows three readings of the formula. The classifiers "
    "here use reading A with the scale limit named on their card.",
    "**A sentence is an anecdote.** What you see on one text need not hold for the next; try to find a counterexample.",
)
SOURCES = (
    ("Bahdanau, Cho & Bengio 2015", "Neural machine translation by jointly learning to align and translate (attention)"),
    ("Kim 2014", "Convolutional neural networks for sentence classification (the CNN encoder)"),
    ("Gulcehre, Cho, Pascanu & Bengio 2014", "Learned-norm pooling for deep feedforward and recurrent neural networks"),
    ("Wu, Wu, Qi, Cui & Huang 2020", "Attentive pooling with learnable norms for text representation (APLN)"),
    ("Jain & Wallace 2019", "Attention is not explanation"),
    ("Wiegreffe & Pinter 2019", "Attention is not not explanation"),
    ("Serrano & Smith 2019", "Is attention interpretable?"),
    ("Kobayashi, Kuribayashi, Yokoi & Inui 2020", "Attention is not only a weight: analyzing transformers with vector norms"),
    ("Sundararajan, Taly & Yan 2017", "Axiomatic attribution for deep networks (integrated gradients)"),
    ("Simonyan, Vedaldi & Zisserman 2014", "Deep inside convolutional networks (saliency)"),
    ("Shrikumar, Greenside, Shcherbina & Kundaje 2016", "Not just a black box (input × gradient)"),
    ("Jacovi & Goldberg 2020", "Towards faithfully interpretable NLP systems (faithful or plausible)"),
    ("Socher et al. 2013", "The Stanford Sentiment Treebank (SST-2)"),
    ("Zhang, Zhao & LeCun 2015", "Character-level convolutional networks for text classification (AG News)"),
    ("Maas et al. 2011", "Learning word vectors for sentiment analysis (IMDb)"),
)
