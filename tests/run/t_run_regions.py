# SPDX-License-Identifier: MIT
"""Memory that clients map of their iommufd: clients/regions.c says what holds."""
import sys

import harness as h


def everywhere(case):
    for way in h.ways():
        h.run_client("regions", case, **way)


def what_the_abi_refuses():
    everywhere("refused")


def busy_while_any_part_is_mapped():
    everywhere("shared")


def children_inherit_it():
    everywhere("inherited")


def any_thread_may_unmap():
    everywhere("threads")


def it_outlives_the_descriptor():
    everywhere("closed")


sys.exit(h.main([
    what_the_abi_refuses,
    busy_while_any_part_is_mapped,
    children_inherit_it,
    any_thread_may_unmap,
    it_outlives_the_descriptor,
]))
