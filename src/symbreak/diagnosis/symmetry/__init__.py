"""Which hidden units are one unit for ever: proved, refuted, measured, or told why not."""

from symbreak.diagnosis.symmetry.certificate import Certificate as Certificate
from symbreak.diagnosis.symmetry.certificate import Verification as Verification
from symbreak.diagnosis.symmetry.classes import Layer as Layer
from symbreak.diagnosis.symmetry.classes import UnitClass as UnitClass
from symbreak.diagnosis.symmetry.forecast import Forecast as Forecast
from symbreak.diagnosis.symmetry.forecast import Separation as Separation
from symbreak.diagnosis.symmetry.forecast import steps_to_separate as steps_to_separate
from symbreak.diagnosis.symmetry.merge import Merged as Merged
from symbreak.diagnosis.symmetry.merge import merge as merge
from symbreak.diagnosis.symmetry.relations import Relation as Relation
from symbreak.diagnosis.symmetry.replay import Replay as Replay
from symbreak.diagnosis.symmetry.replay import replay as replay
from symbreak.diagnosis.symmetry.symmetry import Symmetry as Symmetry
from symbreak.diagnosis.symmetry.symmetry import symmetry as symmetry
from symbreak.diagnosis.symmetry.witness import Witness as Witness
