"""What an owner decided: the file's form, its faults, and the policy that the engine applies (design part 5.10)."""
