"""The norm laboratory: APLN's readings, scale limits and forms on frozen token states."""
