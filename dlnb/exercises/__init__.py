"""The exercises of the course, and what judges them: `dl.check("10.2", answer)`."""
