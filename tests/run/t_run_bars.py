# SPDX-License-Identifier: MIT
"""Regions, eventfds and closes of functions: clients/bars.c says what holds."""
import sys

import harness as h

MODELS = (
    "dma,addr=01:00.0,group=10,vfio=0",
    "dma,addr=02:00.0,group=11,vfio=1",
)


def options():
    disk = h.FILES.write(bytes(1 << 20), mode=0o666)
    models = (*MODELS, f"nvme,file={disk},addr=03:00.0,group=12,vfio=2")
    return [word for model in models for word in ("--device", model)]


def once(*cases, **more):
    for case in cases:
        h.run_client("bars", case, options=options(), **more)


def everywhere(*cases):
    for way in h.ways():
        once(*cases, **way)


def reads_and_writes_are_exact():
    everywhere("transfers", "vectors", "positions")


def what_a_function_is_not_ready_for():
    once("states")


def mappings_of_every_shape():
    everywhere("shapes", "contents", "parts")


def many_mappings():
    once("many", "all_at_once")


def one_file_at_a_time_has_them():
    once("two_opens", "by_group")


def the_last_close_is_the_last_mapping():
    everywhere("inherited", "killed")


def descriptors_have_names():
    everywhere("names")


def eventfds_of_clients():
    everywhere("events")


def a_bar_is_memory_to_containers():
    everywhere("to_devices", "not_to_devices", "before_devices")


def a_bar_that_is_memory_is_not_held():
    everywhere("of_closed_devices", "killed_devices")


def kvm_is_told_of_devices():
    once("machine")


sys.exit(h.main([
    reads_and_writes_are_exact,
    what_a_function_is_not_ready_for,
    mappings_of_every_shape,
    many_mappings,
    one_file_at_a_time_has_them,
    the_last_close_is_the_last_mapping,
    descriptors_have_names,
    eventfds_of_clients,
    a_bar_is_memory_to_containers,
    a_bar_that_is_memory_is_not_held,
    kvm_is_told_of_devices,
]))
