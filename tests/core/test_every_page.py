"""The pages of every registered resource: they show what is there, keep what was typed, and write what was asked."""

import csv
import io

import pytest
from python_calamine import CalamineWorkbook

from tests.factories import CHANGES, RESOURCES, fill, form_of, having, make, patch_for, workshop
from tests.markup import Page
from tests.snapshots import snapshot
from webapp.core.fields import Text
from webapp.core.page_edits import EDITABLE if False else None
