"""What each kind of operator asks of units that change places, in a formula and a few words.

i and j stand for any two units of a group. The numbers that a condition speaks of are compared entry by entry; what is
not a number is a fact of the operator, checked on its axes.
"""

from __future__ import annotations

from collections.abc import Mapping

CONDITIONS: Mapping[str, str] = {
    "linear rows": "W[i,:] = W[j,:] and b[i] = b[j]: the units get equal sums z, and their rows equal gradients",
    "linear columns": "W[:,i] = W[:,j]: the sum over the units forgets their order, and equal errors come back",
    "linear rows and columns": "W[i,:] = W[j,:] and W[:,i] = W[:,j], with both axes renamed at once, and b[i] = b[j]",
    "conv filters": "K[i] = K[j] in every tap and input channel, and b[i] = b[j]",
    "conv channels": "K[:,i] = K[:,j] in every tap: the sum over channels forgets their order",
    "conv filters and channels": "K[i] = K[j] and K[:,i] = K[:,j] tap by tap, both axes renamed at once; b[i] = b[j]",
    "depthwise conv": "K[i] = K[j] in every tap: each filter reads the channel of its own place; b[i] = b[j]",
    "grouped conv": "K equal tap by tap: filters stay in their group or move with it, and so do the channels they read",
    "embedding columns": "E[:,i] = E[:,j] for every token",
    "batch norm": "each channel has statistics of its own; scale, shift and running statistics are equal",
    "layer norm": "mean and variance over the units forget their order; scale and shift are equal",
    "group norm": "a group's mean and variance forget its order, and groups move whole; scale and shift are equal",
    "rms norm": "the mean square over the units forgets their order; the scale is equal",
    "activation": "one function of each entry alone",
    "gate": "g(z)[i] = z_1[i] s(z_2[i]): value and gate of a unit change places together",
    "sum": "all terms have the units at the same places",
    "product": "all factors have the units at the same places",
    "entry": "each entry alone; beside it only what is equal for i and j",
    "softmax": "exp(z[i]) over a sum that forgets the order",
    "reduction": "a sum, mean, norm or extremum over the units forgets their order",
    "unit by unit": "acts along other axes, and on each unit alone",
    "block by block": "products of matrices one by one; both factors have the blocks at the same places",
    "attention heads": "each head is computed alone; queries, keys, values and masks have the heads at the same places",
    "attention channels": "q.k is a sum over channels that forgets their order; each channel of v is averaged alone",
    "pool": "each channel alone",
    "piece": "the piece holds all units that change places with one another, or none of them",
    "concatenation": "the units change places inside their own part",
    "reshape": "the entries keep their order, and the units stay whole",
    "exchanged": "runs for both modules, with the same operators on the same inputs and equal weights",
    "picked": "the place picked for one module is, after the exchange, that of the other",
    "stack": "results of the modules lie side by side and change places with them",
    "sum of modules": "its terms change places, and a sum forgets their order",
    "product of modules": "its factors change places, and a product forgets their order",
    "tied weights": "one tensor read in several places: it is renamed once, alike for all",
    "odd function": "g(-z) = -g(z): what changes sign in front of it does so behind it",
    "even function": "g(-z) = g(z): the change of sign ends here",
    "signs moved": "the entries change places or not; each keeps its sign",
    "signs in a sum": "all terms change sign together, or none",
    "signs in a product": "(-a) b = -(a b), (-a) (-b) = a b: the signs of the factors multiply",
    "signs in sums over units": "W[i,:], b[i] and W[j,:], b[j] equal or opposite; (-W[i,k]) (-z[k]) = W[i,k] z[k], and "
    "the terms of a sum change sign together, or none",
    "signs in a convolution": "K[i], b[i] and K[j], b[j] equal or opposite in every tap; the terms of a sum change "
    "sign together, or none",
    "signs in batch norm": "each channel has statistics of its own: (-z - (-m)) / s = -((z - m) / s); the shift "
    "changes sign with it, the scale does not, or both factors do",
    "signs in layer norm": "all that has one mean changes sign together, or none: (-z - (-m)) / s = -((z - m) / s); "
    "the shift changes sign with it",
    "signs in rms norm": "the mean square forgets the signs; every entry keeps its own",
    "signs in attention": "q and k change sign together in each term of q.k; an average of -v is minus that of v",
    "signs in an embedding": "E[:,i] and E[:,j] equal or opposite for every token",
    "signs in a pool": "each channel alone: the average of -z is minus that of z",
    "shift of a sum": "(z + s) + y = (z + y) + s",
    "shift of a product": "(z + s) y = z y + s y; where neither s nor y changes along an axis, s y does not",
    "shift moved": "what is added moves with the entries",
    "shift before softmax": "exp(z + s) / sum exp(z + s) = exp(z) / sum exp(z): s is the same in all terms of the sum",
    "shift before a norm": "z + s - mean(z + s) = z - mean(z): s is the same in all that has one mean",
    "zero factor": "d(a b) = da b + a db: past a factor of a product no gradient comes while the other one is zero",
    "flat at zero": "g(0) = 0 and, as it is computed, g'(0) = 0: no gradient passes while what comes in is zero",
    "equal sums": "equal incoming sums over each class below, equal outgoing sums over each class above, equal b",
    "zero sums": "incoming sums over each class below and b are 0, g(0) = 0; g'(0) = 0, or outgoing sums are 0 too",
    "dead": "no positive incoming sum, b <= 0, inputs not negative: z <= 0 on every input, where g = 0 and g' = 0",
    "odd activation": "g(-z) = -g(z): units with the sign turned stay so",
}
"""By kind of passage."""
