"""What another time to live would do: predicted from a sample of look-ups, before anybody changes it."""

from opalmind_tui.reports.preview.predict import NotEnough, Prediction, predict
from opalmind_tui.reports.preview.sample import Access, Sample

__all__ = ["Access", "NotEnough", "Prediction", "Sample", "predict"]
