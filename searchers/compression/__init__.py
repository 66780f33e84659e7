"""Compressing a trained network by structured sparsity (BayesNAS, Algorithm 2).

Groups of weights get a Gaussian prior each. Training minimises the loss and a group lasso whose
weights follow, every few epochs, from the curvature of the loss; groups whose prior variance falls
to a threshold are masked for good. At the end the masked channels are cut out of the network.

Source: M. Yang, "Efficient Neural Network Architecture Search" (master's thesis, TU Delft, 2019),
appendix A; Zhou, Yang, Wang and Pan, "BayesNAS" (ICML 2019).

`groups` says what is masked together, `sparsity` holds variances and penalties, `compressor` is
the algorithm, `chain` and `residual` cut, `operations` and `layers` count, `runs` repeats it over
seeds. Nothing here imports torch before a network is built.
"""

from __future__ import annotations

from harness.registry import Registry

registry = Registry(
    "network to compress",
    {
        "lenet-300-100": "searchers.compression.networks:lenet_300_100",
        "lenet-5": "searchers.compression.networks:lenet_5",
        "resnet-18": "searchers.compression.networks:resnet_18",
    },
    group="nas_harness.compressible_networks",
)
"""Name -> function of (`harness.networks.Task`, seed) that builds the network to compress."""

__all__ = ["registry"]
