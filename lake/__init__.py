"""The lake: records, the contract of a store, its two engines, and the sender that fills it."""
