"""The paper's formulas as pure functions: tensors in, tensors out, no state and no Lightning."""
