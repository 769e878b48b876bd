"""The part of the page about what the weights have learnt."""
