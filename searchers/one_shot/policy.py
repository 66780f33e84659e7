"""ENAS's controller: a recurrent network that writes an architecture decision by decision.

Source: Pham, Guan, Zoph, Le and Dean, "Efficient Neural Architecture Search via Parameter Sharing"
(ICML 2018), section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from searchers.one_shot.coding import Decisions

HIDDEN = 100
"""Units of the LSTM, as in the paper."""

TANH, TEMPERATURE, SPREAD = 2.5, 5.0, 0.1
"""The paper's: logits are TANH * tanh(logits / TEMPERATURE), which keeps the policy from becoming
certain; parameters begin uniform within plus and minus SPREAD."""


class Policy(nn.Module):
    """A distribution over a fixed number of decisions.

    The LSTM hears the option chosen before, by an embedding of its own for each decision, and
    a linear layer for each decision gives its options' logits.

    Args:
        sizes: Number of options of every decision.
        seed: Unsigned 64-bit seed of the initial parameters.
    """

    def __init__(self, sizes: Sequence[int], seed: int) -> None:
        super().__init__()
        # Layers draw initial weights from the process's own generator, which is left as it was.
        with torch.random.fork_rng(devices=[]):
            self.cell = nn.LSTMCell(HIDDEN, HIDDEN)
            self.start = nn.Parameter(torch.empty(HIDDEN))
            self.embeddings = nn.ModuleList(nn.Embedding(size, HIDDEN) for size in sizes)
            self.heads = nn.ModuleList(nn.Linear(HIDDEN, size) for size in sizes)
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            parameter.detach().uniform_(-SPREAD, SPREAD, generator=generator)

    @torch.no_grad()
    def sample(self, count: int, generator: torch.Generator) -> list[Decisions]:
        """Draw the decisions of a number of architectures."""

        def draw(_: int, log_p: Tensor) -> Tensor:
            return torch.multinomial(log_p.exp(), 1, generator=generator).squeeze(1)

        chosen, _, _ = self._write(count, draw)
        return [tuple(row) for row in chosen.tolist()]

    def forward(self, architectures: Sequence[Decisions]) -> tuple[Tensor, Tensor]:
        """What the policy thinks of some architectures.

        Args:
            architectures: Their decisions.

        Returns:
            The logarithm of each one's probability, and the sum of the entropies of the decisions
            on the way to it, in nats; both [architectures].
        """
        given = torch.tensor(architectures)
        _, log_p, entropy = self._write(len(given), lambda decision, _: given[:, decision])
        return log_p, entropy

    def _write(
        self, count: int, choose: Callable[[int, Tensor], Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decide one decision after the other; `choose` hears its number and log-probabilities."""
        state = None
        inputs = self.start.expand(count, -1)
        total = entropy = torch.zeros(count)
        chosen = []
        for decision, (embedding, head) in enumerate(
            zip(self.embeddings, self.heads, strict=True)
        ):
            state = self.cell(inputs, state)
            logits = TANH * torch.tanh(head(state[0]) / TEMPERATURE)
            log_p = logits.log_softmax(1)
            option = choose(decision, log_p)
            total = total + log_p.gather(1, option[:, None]).squeeze(1)
            entropy = entropy - (log_p.exp() * log_p).sum(1)
            inputs = embedding(option)
            chosen.append(option)
        return torch.stack(chosen, 1), total, entropy
