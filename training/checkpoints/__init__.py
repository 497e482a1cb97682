"""Folders that trials leave: the best weights with their record, and the state that a killed trial resumes from."""
