"""Which hidden units are one unit for ever: proved, refuted, measured, or told why not."""

from symbreak.diagnosis.symmetry.classes import Layer as Layer
from symbreak.diagnosis.symmetry.classes import UnitClass as UnitClass
from symbreak.diagnosis.symmetry.relations import Relation as Relation
from symbreak.diagnosis.symmetry.symmetry import Symmetry as Symmetry
from symbreak.diagnosis.symmetry.symmetry import symmetry as symmetry
from symbreak.diagnosis.symmetry.witness import Witness as Witness
