"""The lesson under the names that its learners know."""

from symbreak.network.course import backward_propagation as backward_propagation
from symbreak.network.course import compute_cost as compute_cost
from symbreak.network.course import forward_propagation as forward_propagation
from symbreak.network.course import initialize_parameters as initialize_parameters
from symbreak.network.course import initialize_parameters_deep as initialize_parameters_deep
from symbreak.network.course import initialize_parameters_he as initialize_parameters_he
from symbreak.network.course import initialize_parameters_random as initialize_parameters_random
from symbreak.network.course import initialize_parameters_zeros as initialize_parameters_zeros
from symbreak.network.course import layer_sizes as layer_sizes
from symbreak.network.course import nn_model as nn_model
from symbreak.network.course import predict as predict
from symbreak.network.course import update_parameters as update_parameters
