# right: tensors for everything
# ruff: noqa
import torch


def initialize_parameters(n_x, n_h, n_y):
    return {
        "W1": torch.randn(n_h, n_x, dtype=torch.float64) * 0.01,
        "b1": torch.zeros(n_h, 1, dtype=torch.float64),
        "W2": torch.randn(n_y, n_h, dtype=torch.float64) * 0.01,
        "b2": torch.zeros(n_y, 1, dtype=torch.float64),
    }


def forward_propagation(X, parameters):
    X = torch.as_tensor(X)
    p = {key: torch.as_tensor(value) for key, value in parameters.items()}
    Z1 = p["W1"] @ X + p["b1"]
    A1 = torch.tanh(Z1)
    Z2 = p["W2"] @ A1 + p["b2"]
    A2 = torch.sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def compute_cost(A2, Y):
    A2, Y = torch.as_tensor(A2), torch.as_tensor(Y).double()
    return torch.nn.functional.binary_cross_entropy(A2, Y, reduction="sum") / Y.shape[1]


def backward_propagation(parameters, cache, X, Y):
    p = {key: torch.as_tensor(value).clone().requires_grad_() for key, value in parameters.items()}
    A2, _ = forward_propagation(X, p)
    compute_cost(A2, Y).backward()
    return {"d" + key: value.grad for key, value in p.items()}


def update_parameters(parameters, grads, learning_rate=1.2):
    return {k: torch.as_tensor(v) - learning_rate * torch.as_tensor(grads["d" + k]) for k, v in parameters.items()}
