"""Every shipped classifier, as data: the recipes that ``make train`` follows.

Options that differ from the defaults were chosen on dev sets by the sweep of
``models.zoo.sweep``; its table is in ``SWEEP.md``.
"""
