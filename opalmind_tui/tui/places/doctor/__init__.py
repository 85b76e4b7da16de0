"""The Doctor place."""

from opalmind_tui.tui.places.doctor.place import DoctorPlace

__all__ = ["DoctorPlace"]
