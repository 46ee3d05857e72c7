# right: a module of torch that holds its parameters
# ruff: noqa
import torch


class Shallow(torch.nn.Module):
    def __init__(self, n_x, n_h, n_y):
        super().__init__()
        self.W1 = torch.nn.Parameter(0.01 * torch.randn(n_h, n_x))
        self.b1 = torch.nn.Parameter(torch.zeros(n_h, 1))
        self.W2 = torch.nn.Parameter(0.01 * torch.randn(n_y, n_h))
        self.b2 = torch.nn.Parameter(torch.zeros(n_y, 1))

    def forward(self, x):
        return torch.sigmoid(self.W2 @ torch.tanh(self.W1 @ x + self.b1) + self.b2)
