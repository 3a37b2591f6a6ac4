"""What is wrong, why, and what to do: the checks of `adit doctor`, here so that the operator's image runs them too."""
