"""The networks that the source compresses.

LeNet-300-100 and LeNet-5 (LeCun et al., "Gradient-Based Learning Applied to Document
Recognition", 1998), the latter in Caffe's widths 20-50-800-500 with rectifiers behind its
convolutions; ResNet-18 for small images (He et al., 2016) without projections: its weights are
the 10,992,320 of the source's table A-3.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from harness.errors import UserError
from harness.networks import Task
from harness.networks.initialise import initialise
from harness.networks.residual import ResidualNetwork, build
from harness.spaces.residual_layers import ResidualConfiguration


def lenet_300_100(task: Task, seed: int) -> nn.Sequential:
    """Two hidden layers of 300 and 100 units.

    Args:
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
    """
    channels, height, width = task.shape
    inputs = channels * height * width
    network = nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(inputs, 300),
            relu1=nn.ReLU(),
            fc2=nn.Linear(300, 100),
            relu2=nn.ReLU(),
            fc3=nn.Linear(100, task.classes),
        )
    )
    return initialise(network, [seed])


def lenet_5(task: Task, seed: int) -> nn.Sequential:
    """Two 5x5 convolutions of 20 and 50 filters, each with 2x2 pooling, and 500 hidden units.

    Args:
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.

    Raises:
        UserError: If the images are too small for it.
    """
    channels, *sides = task.shape
    height, width = (((side - 4) // 2 - 4) // 2 for side in sides)
    if min(height, width) < 1:
        raise UserError(f"lenet-5 needs images of 16 x 16 pixels at least, not {sides}")
    network = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 20, 5),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(20, 50, 5),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(50 * height * width, 500),
            relu3=nn.ReLU(),
            fc2=nn.Linear(500, task.classes),
        )
    )
    return initialise(network, [seed])


def resnet_18(task: Task, seed: int) -> ResidualNetwork:
    """Four sections of two blocks from 64 filters on; shortcuts have no parameters.

    Args:
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
    """
    configuration = ResidualConfiguration("basic", (2, 2, 2, 2), 64, projection=False)
    return build(configuration, task, seed)
