"""Public datasets: for each a source, a schema, and how its files become rows."""

from monolith.data.recipes.adult import ADULT
from monolith.data.recipes.complete_journey import COMPLETE_JOURNEY
from monolith.data.recipes.movielens import MOVIELENS
from monolith.data.recipes.recipe import Recipe

RECIPES: dict[str, Recipe] = {recipe.schema.name: recipe for recipe in (MOVIELENS, COMPLETE_JOURNEY, ADULT)}
"""Every public dataset we know, by name."""
