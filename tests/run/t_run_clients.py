# SPDX-License-Identifier: MIT
"""Our own clients, in every mode, as root and as nobody in particular.

What does not hold, they say themselves (clients/).
"""
import os
import shutil
import sys

import harness as h


def everywhere(name, *args, **more):
    for way in h.ways():
        h.run_client(name, *args, **{**way, **more})


def threads_get_what_they_ask_for():
    everywhere("threads")


def static_programs_are_served():
    for name in ("threads_static", "client_static"):
        if not os.path.exists(os.path.join(h.CLIENTS, name)):
            raise h.Skip("there are no static programs")
    everywhere("threads_static")
    for way in h.ways():
        done = h.run_client("client_static", "open", "C", "alloc", "C", "a",
                            "close", "C", "alloc", "C", "b", **way)
        h.expect("a=1" in done.out and "alloc -9" in done.out, done)


def go_programs_are_served():
    if not os.path.exists(os.path.join(h.CLIENTS, "goclient")):
        raise h.Skip("there is no go")
    everywhere("goclient", options=())


def a_context_lives_as_long_as_its_last_copy():
    everywhere("fork_exec")


def a_descriptor_can_be_sent():
    everywhere("scm")


def a_flood_is_carried_away():
    everywhere("flood")


def garbage_is_refused():
    for seed, way in enumerate(h.ways(), h.SEED):
        h.run_client("garbage", seed, 2500, **way)


def queues_deliver():
    everywhere("queues")


def memory_of_every_kind_is_reached():
    everywhere("memory")


def processes_unlike_most_are_served():
    everywhere("odd")


def files_look_like_devices():
    for case in ("stat", "path", "names", "refused", "locked"):
        everywhere("identity", case)


def locked_memory_is_limited():
    for user in h.users():
        if user or not h.ROOT:
            h.run_client("identity", "limited", user=user)
    for way in h.ways():
        h.run_client("identity", "limited", 16,
                     options=("--test-abi", "--memlock", 16 * 4096), **way)


def root_may_lock_what_it_likes():
    if not h.ROOT:
        raise h.Skip("not root")
    h.run_client("identity", "unlimited", mode="trap")


def programs_may_become_somebody_else():
    """Whose limits we may not ask for, as root of a container is."""
    if not h.ROOT or not shutil.which("setpriv"):
        raise h.Skip("not root, or no setpriv")
    for client in (("queues",), ("identity", "limited")):
        done = h.execute(["setpriv", "--bounding-set", "-sys_resource",
                          h.FILES.public(h.IOAS), "run", "--test-abi", "--",
                          "setpriv", "--reuid", h.NOBODY, "--clear-groups",
                          h.client(client[0]), *client[1:]])
        h.expect(not done.rc, done)


def without_the_test_abi_there_is_none():
    done = h.run_client("client", "open", "C", "alloc", "C", "a", "device",
                        "C", "a", options=())
    h.expect("device -25" in done.out, done)


def clients_see_the_words_of_each_other():
    """Contexts count each for itself, numbers of descriptors do not."""
    done = h.run_client("client", "open", "A", "open", "B", "alloc", "A", "a",
                        "alloc", "B", "b", "alloc", "A", "c", "destroy", "B",
                        "c", "destroy", "A", "c")
    h.expect(done.out.split()[2:] == ["a=1", "b=1", "c=2", "destroy", "-2",
                                      "destroy", "0"], done)


sys.exit(h.main([
    threads_get_what_they_ask_for,
    static_programs_are_served,
    go_programs_are_served,
    a_context_lives_as_long_as_its_last_copy,
    a_descriptor_can_be_sent,
    a_flood_is_carried_away,
    garbage_is_refused,
    queues_deliver,
    memory_of_every_kind_is_reached,
    processes_unlike_most_are_served,
    files_look_like_devices,
    locked_memory_is_limited,
    root_may_lock_what_it_likes,
    programs_may_become_somebody_else,
    without_the_test_abi_there_is_none,
    clients_see_the_words_of_each_other,
]))
