"""Reading and writing: what is written out equals PyTorch's, padding and the future do not matter, bad input is said."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl
from dlnb.text import (
    BERT,
    GPT,
    BERTClassifier,
    CountedCNN,
    NaiveBayes,
    RecurrentClassifier,
    TextCNN,
    Translator,
    beam,
    generate,
    greedy,
    next_probabilities,
)
from dlnb.text.models.recurrent import CELLS, Recurrent
from dlnb.text.tokenizers import END, PADDING, START

THEIRS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("cell", CELLS)
def test_a_recurrent_cell_is_pytorchs_own(cell):
    with dl.seeded(0):
        ours, theirs = Recurrent(cell, 5, 7), THEIRS[cell](5, 7, batch_first=True)
        x = torch.randn(4, 11, 5)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.cell.from_input.weight)
        theirs.weight_hh_l0.copy_(ours.cell.from_state.weight)
        theirs.bias_ih_l0.copy_(ours.cell.from_input.bias)
        theirs.bias_hh_l0.copy_(ours.cell.from_state.bias)
    mine, other = ours(x), theirs(x)[0]
    assert torch.allclose(mine, other, atol=1e-5)
    # And so are its gradients.
    mine.square().sum().backward()
    other.square().sum().backward()
    assert torch.allclose(ours.cell.from_state.weight.grad, theirs.weight_hh_l0.grad, atol=1e-4)


def labelled():
    """Texts of words from 5 to 19, some of them short, and one of three classes for each."""
    generator = torch.Generator().manual_seed(2)
    texts, labels = torch.randint(5, 20, (60, 9), generator=generator), torch.arange(60) % 3
    texts[::4, 6:] = PADDING
    return texts, labels


def classifiers():
    with dl.seeded(0):
        yield from (RecurrentClassifier(20, 3, cell, 8, pool) for cell in CELLS for pool in ("last", "mean", "attention"))
        yield TextCNN(20, 3, 8, 8)
        yield CountedCNN(*labelled(), 20, 3, 8, 8)
        yield BERTClassifier(BERT(20, 12, 8, 2, 2), 3)


@pytest.mark.parametrize("model", list(classifiers()), ids=lambda model: f"{type(model).__name__} {getattr(model, 'pool', '')}")
def test_a_text_is_read_as_if_its_padding_were_not_there(model):
    model.eval()
    tokens = torch.randint(5, 20, (4, 7), generator=torch.Generator().manual_seed(0))
    longer = F.pad(tokens, (0, 5))
    alone, together = model(tokens), model(longer, longer != PADDING)
    assert alone.shape == (4, 3)
    assert torch.allclose(alone, together, atol=1e-5)


def test_naive_bayes_is_scikit_learns_on_words_and_pairs_that_were_seen():
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    texts, labels = labelled()
    as_words = [" ".join(f"w{word}" for word in text if word != PADDING) for text in texts.tolist()]
    theirs = make_pipeline(CountVectorizer(binary=True, ngram_range=(1, 2)), MultinomialNB())
    theirs.fit(as_words[:40], labels[:40])
    ours = NaiveBayes(texts[:40], labels[:40], 20, 3)
    expected = torch.from_numpy(theirs.predict_log_proba(as_words)).float()
    assert torch.allclose(ours(texts).log_softmax(1), expected, atol=1e-4)


def test_naive_bayes_knows_nothing_of_words_that_it_never_saw_but_how_frequent_the_classes_are():
    texts, labels = torch.tensor([[5, 6], [5, 7], [8, 6], [7, 7]]), torch.tensor([0, 0, 0, 1])
    judged = NaiveBayes(texts, labels, 20)(torch.tensor([[11, 12, 13]])).softmax(1)
    assert torch.allclose(judged, torch.tensor([[0.75, 0.25]]))
    with pytest.raises(ValueError, match="no text of class 2"):
        NaiveBayes(texts, labels, 20, classes=3)


def test_the_network_learns_without_the_counts_and_judges_with_them():
    with dl.seeded(0):
        model = CountedCNN(*labelled(), 20, 3, 8, 8, word_dropout=0.0, trust=0.5)
    texts = labelled()[0]
    model.network.dropout.p = 0.0
    alone = model.train()(texts)
    assert torch.equal(alone, model.network(texts))
    assert torch.allclose(model.eval()(texts), alone + 0.5 * model.counts(texts))
    assert not any(name.startswith("counts") for name, _ in model.named_parameters())


def test_words_are_hidden_only_while_learning():
    with dl.seeded(0):
        model = TextCNN(20, 3, 8, 8, dropout=0.0, word_dropout=1.0)
    one, other = torch.randint(5, 20, (2, 4, 7), generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.train()(one), model(other))
    assert not torch.allclose(model.eval()(one), model(other))


def gpt(**more):
    with dl.seeded(0):
        return GPT(**{"vocabulary": 30, "context": 24, "width": 16, "layers": 3, "heads": 4, **more})


def test_gpt_sees_nothing_to_the_right():
    model = gpt().eval()
    tokens = torch.randint(30, (2, 12), generator=torch.Generator().manual_seed(1))
    other = tokens.clone()
    other[:, 7:] = (other[:, 7:] + 1) % 30
    assert torch.equal(model(tokens)[:, :7], model(other)[:, :7])
    assert not torch.allclose(model(tokens)[:, 7:], model(other)[:, 7:])


def test_gpt_begins_without_an_opinion():
    tokens = torch.randint(30, (8, 24), generator=torch.Generator().manual_seed(1))
    loss = F.cross_entropy(gpt()(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    assert abs(loss.item() - math.log(30)) < 0.1


@torch.no_grad()
@pytest.mark.parametrize("cuts", [[12], [1] * 12, [5, 1, 6]])
def test_with_the_cache_gpt_says_the_same(cuts):
    model = gpt().eval()
    tokens = torch.randint(30, (2, 12), generator=torch.Generator().manual_seed(1))
    cache = model.empty_cache()
    parts = [model(part, cache) for part in tokens.split(cuts, dim=1)]
    assert torch.allclose(torch.cat(parts, dim=1), model(tokens), atol=1e-5)
    assert cache[0].length == 12


@pytest.mark.parametrize("count", [5, 40])
def test_generating_with_and_without_the_cache_gives_the_same_tokens(count):
    model = gpt()
    prompt = torch.randint(30, (3, 4), generator=torch.Generator().manual_seed(1))
    written = [generate(model, prompt, count, temperature=1.5, top_p=0.9, seed=7, use_cache=cached) for cached in (True, False)]
    assert torch.equal(*written) and written[0].shape == (3, 4 + count)
    assert torch.equal(written[0][:, :4], prompt)
    assert not torch.equal(written[0], generate(model, prompt, count, temperature=1.5, top_p=0.9, seed=8))
    assert model.training, "the mode is put back"


def test_the_ways_to_choose_the_next_token():
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    whole = logits.softmax(-1)
    assert torch.equal(next_probabilities(logits), whole)
    assert next_probabilities(logits, temperature=0).tolist() == [[1, 0, 0, 0]]
    assert next_probabilities(logits, temperature=0.1)[0, 0] > whole[0, 0]
    two = next_probabilities(logits, top_k=2)
    assert two[0, 2:].tolist() == [0, 0] and torch.allclose(two[0, :2], whole[0, :2] / whole[0, :2].sum())
    # 0.644 + 0.237 = 0.881: the third is needed to reach 0.9, the fourth is not.
    assert (next_probabilities(logits, top_p=0.9) > 0).tolist() == [[True, True, True, False]]
    assert (next_probabilities(logits, top_p=0.01) > 0).tolist() == [[True, False, False, False]]
    assert torch.allclose(next_probabilities(logits, top_k=3, top_p=0.9).sum(), torch.tensor(1.0))


@pytest.mark.parametrize(
    ("more", "words"),
    [({"temperature": -1.0}, "temperature must be 0"), ({"top_k": 0}, "top_k must be 1"), ({"top_p": 0.0}, "top_p must be above 0"), ({"top_p": 1.1}, "top_p")],
)
def test_a_choice_that_makes_no_sense_is_refused(more, words):
    with pytest.raises(ValueError, match=words):
        next_probabilities(torch.zeros(1, 4), **more)


def test_a_prompt_that_is_empty_or_too_long_is_refused():
    with pytest.raises(ValueError, match="at least one token"):
        generate(gpt(), torch.zeros(1, 0, dtype=torch.long), 3)
    with pytest.raises(ValueError, match="has 25 tokens, but the model sees 24"):
        generate(gpt(), torch.zeros(1, 25, dtype=torch.long), 3)
    with pytest.raises(ValueError, match="sees 24 tokens at once, got 25"):
        gpt()(torch.zeros(1, 25, dtype=torch.long))
    with pytest.raises(ValueError, match="shape"):
        gpt()(torch.zeros(5, dtype=torch.long))
    with pytest.raises(ValueError, match="reads 12 tokens at once, got 13"):
        BERT(20, 12, 8, 1, 2)(torch.zeros(1, 13, dtype=torch.long))


@pytest.mark.parametrize("strange", [-1, 30])
@pytest.mark.parametrize("name", ["GPT", "ModernGPT", "BERT", "TextCNN", "RecurrentClassifier", "Translator"])
def test_a_model_names_the_token_that_it_does_not_know(name, strange):
    tokens = torch.tensor([[5, 6, strange, 7]])
    model = Translator(30, 40) if name == "Translator" else getattr(dl.text, name)(30)
    with pytest.raises(ValueError, match=f"token {strange} is outside the vocabulary: this model knows the tokens 0 to 29"):
        model(tokens, torch.ones(1, 2, dtype=torch.int64)) if name == "Translator" else model(tokens)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="3 heads cannot share a width of 16"):
        gpt(heads=3)


def translator(seed=0):
    with dl.seeded(seed):
        return Translator(12, 14, context=16, width=16, layers=2, heads=2)


def sentences():
    source = torch.randint(5, 12, (6, 7), generator=torch.Generator().manual_seed(0))
    source[2, 4:] = PADDING
    return source


def test_a_translation_does_not_depend_on_the_padding_of_its_source_nor_on_what_is_to_come():
    model = translator().eval()
    source, target = sentences(), torch.randint(5, 14, (6, 5), generator=torch.Generator().manual_seed(1))
    logits = model(source, target)
    assert torch.allclose(model(source[2:3, :4], target[2:3]), logits[2:3], atol=1e-5)
    other = target.clone()
    other[:, 3:] = 5
    assert torch.allclose(model(source, other)[:, :3], logits[:, :3], atol=1e-6)


def likelihood(model, source, written):
    """The log-probability of each translation, up to its end."""
    given = torch.cat([torch.full((len(written), 1), START), written], dim=1)
    steps = model(source, given[:, :-1]).log_softmax(-1).gather(2, written[..., None])[..., 0]
    return (steps * (written != PADDING)).sum(1)


@torch.no_grad()
def test_greedy_takes_the_likeliest_word_each_time():
    model = translator().eval()
    written = greedy(model, sentences(), longest=8)
    given = torch.full((6, 1), START)
    done = torch.zeros(6, dtype=torch.bool)
    for t in range(written.shape[1]):
        logits = model(sentences(), given)[:, -1]
        logits[:, PADDING] = -torch.inf
        word = torch.where(done, PADDING, logits.argmax(-1))
        assert torch.equal(written[:, t], word)
        done |= word == END
        given = torch.cat([given, word[:, None]], dim=1)


@torch.no_grad()
@pytest.mark.parametrize("seed", range(5))
def test_a_beam_as_wide_as_everything_finds_the_likeliest_translation(seed):
    model = translator(seed).eval()
    vocabulary, longest = 14, 2
    found = beam(model, sentences(), width=vocabulary**longest, longest=longest, length_penalty=0.0)
    words = [word for word in range(vocabulary) if word != PADDING]
    every = [(END, PADDING)] + [(a, b) for a in words if a != END for b in words]
    everything = torch.tensor(every)
    for row, source in enumerate(sentences()):
        scores = likelihood(model, source.expand(len(everything), -1), everything)
        mine = likelihood(model, source[None], found[row : row + 1])
        assert torch.allclose(mine, scores.max(), atol=1e-4)


@torch.no_grad()
def test_a_wider_beam_finds_translations_that_are_likelier_on_the_whole():
    model = translator(3).eval()
    narrow, wide = (
        likelihood(model, sentences(), beam(model, sentences(), width=width, longest=10, length_penalty=0.0)).mean() for width in (1, 8)
    )
    assert wide >= narrow - 1e-5
    with pytest.raises(ValueError, match="1 or more"):
        beam(model, sentences(), width=0)
