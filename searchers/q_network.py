"""A small fully connected network of action values, in numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from searchers.reinforce import BETA1, BETA2, EPSILON


class QNetwork:
    """Fully connected layers with rectifiers between them.

    Args:
        widths: Units of every layer, from the input's to the output's.
        draw: Uniform random numbers in [0, 1). Parameters begin uniform within plus and minus
            one over the root of their layer's number of inputs.

    Attributes:
        parameters: All weights and biases, float64 of shape [parameters]. Two networks of the
            same widths become equal by copying it.
        layers: Views of them: every layer's weights [inputs, outputs] and biases [outputs].
    """

    def __init__(self, widths: Sequence[int], draw: Callable[[], float]) -> None:
        shapes = list(pairwise(widths))
        count = sum((n + 1) * m for n, m in shapes)
        self.parameters = np.array([2.0 * draw() - 1.0 for _ in range(count)])
        self.layers = _views(self.parameters, shapes)
        for weights, biases in self.layers:
            scale = len(weights) ** -0.5
            weights *= scale
            biases *= scale
        self._gradient = np.zeros(count)
        self._gradients = _views(self._gradient, shapes)
        self._first_moment, self._second_moment = np.zeros(count), np.zeros(count)
        self._steps = 0

    def __call__(self, states: np.ndarray) -> np.ndarray:
        """The values of all neurons, [..., neurons], in states [..., width]."""
        return self._activations(states)[-1]

    def _activations(self, states: np.ndarray) -> list[np.ndarray]:
        """What goes into each layer, and what comes out of the last."""
        found = [states]
        for weights, biases in self.layers[:-1]:
            found.append(np.maximum(found[-1] @ weights + biases, 0.0))
        weights, biases = self.layers[-1]
        found.append(found[-1] @ weights + biases)
        return found

    def gradient(self, states: np.ndarray, chosen: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The gradient of the chosen neurons' mean Huber loss, whose threshold is 1.

        Args:
            states: [batch, width].
            chosen: Neurons, int [batch, choices], distinct within a row.
            targets: What they should be worth, [batch, choices].

        Returns:
            [parameters]; the next call overwrites it.
        """
        *inputs, values = self._activations(states)
        rows = np.arange(len(states))[:, None]
        error = np.zeros_like(values)
        error[rows, chosen] = np.clip(values[rows, chosen] - targets, -1.0, 1.0) / chosen.size
        for layer in reversed(range(len(self.layers))):
            weights, biases = self._gradients[layer]
            np.matmul(inputs[layer].T, error, out=weights)
            np.sum(error, axis=0, out=biases)
            if layer > 0:
                error = (error @ self.layers[layer][0].T) * (inputs[layer] > 0.0)
        return self._gradient

    def descend(self, gradient: np.ndarray, learning_rate: float) -> None:
        """One step of Adam."""
        self._steps += 1
        self._first_moment += (1 - BETA1) * (gradient - self._first_moment)
        self._second_moment += (1 - BETA2) * (gradient * gradient - self._second_moment)
        rate = learning_rate / (1 - BETA1**self._steps)
        root = np.sqrt(self._second_moment / (1 - BETA2**self._steps))
        self.parameters -= rate * self._first_moment / (root + EPSILON)


def _views(
    flat: np.ndarray, shapes: Sequence[tuple[int, int]]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """A flat array seen as weights and biases, layer by layer."""
    views, start = [], 0
    for n, m in shapes:
        middle, end = start + n * m, start + (n + 1) * m
        views.append((flat[start:middle].reshape(n, m), flat[middle:end]))
        start = end
    return views
