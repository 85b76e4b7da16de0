"""Where each class of bug is tested, by number. What has `test_class_NN` in this folder needs no line.

A line is either the tests elsewhere (`module::test`), or the reason why the class cannot occur here.
"""

from __future__ import annotations

from collections.abc import Mapping

LAST = 36
ELSEWHERE: Mapping[int, tuple[str, ...]] = {
    4: (
        "tests.tracking.test_queue_model::test_memory_and_redis_do_the_same",
        "tests.tracking.test_queue_leases::test_a_lease_that_ran_out_unseen_can_be_renewed_unless_its_visitors_are_taken",
    ),
    5: ("tests.tracking.test_lease_keeper::test_a_blocked_event_loop_loses_no_claim",),
    11: (
        "tests.tracking.bug_classes.test_processes::"
        "test_class_01_killed_at_any_command_every_request_is_in_exactly_one_place",
        "tests.tracking.test_dispatcher_store::test_killed_while_matomo_answers",
        "tests.tracking.test_dispatcher::"
        "test_a_store_that_refuses_after_the_post_is_told_later_and_nothing_is_sent_twice",
    ),
    12: (
        "tests.tracking.test_classify::test_an_outage_of_any_length_costs_no_attempt",
        "tests.tracking.test_dispatcher::test_an_outage_ends_with_everything_delivered_as_if_it_had_not_been",
        "tests.acceptance.test_delivery::test_an_outage_of_hours_burns_no_attempt",
    ),
    13: (
        "tests.tracking.test_backoff::test_the_waits_of_a_thousand_processes_are_spread",
        "tests.tracking.test_backoff::test_a_cooldown_is_never_shorter_than_asked_for_and_never_over_an_hour",
    ),
    14: (
        "tests.matomo.test_retry_after::test_spellings",
        "tests.matomo.test_retry_after::test_whatever_comes_is_a_wait_of_at_most_an_hour_or_nothing",
    ),
    16: ("tests.tracking.test_queue_leases::test_a_request_that_loses_its_senders_is_dead_the_third_time",),
    19: (
        "tests.tracking.test_queue_lists::test_purge_frees_the_keys_and_only_those",
        "tests.tracking.test_queue_accepting::test_a_key_is_free_again_once_its_request_left_without_a_record",
        "tests.tracking.test_queue_redis::test_a_record_is_written_even_if_the_key_index_was_lost",
    ),
    20: (
        "tests.tracking.test_queue_accepting::test_the_same_key_while_queued_is_a_duplicate_or_a_conflict",
        "tests.tracking.test_queue_accepting::test_the_same_key_once_delivered_is_a_duplicate_or_a_conflict",
    ),
    23: ("tests.acceptance.test_clock_skew::test_class_23_workers_with_clocks_ten_minutes_apart_do_as_one",),
    26: (
        "tests.engine.test_supervision::test_it_goes_on_and_says_where",
        "tests.tracking.test_dispatcher::test_an_unexpected_error_is_noted_and_delivery_goes_on",
        "tests.tracking.test_lease_keeper::test_the_thread_survives_whatever_a_renewal_raises",
    ),
    27: ("tests.tracking.test_classify::test_any_count_settles_each_hit_once",),
    28: ("tests.tracking.test_dispatcher::test_what_is_no_request_is_dead_with_its_bytes_kept",),
    29: ("tests.reports.test_single_flight::test_the_waiters_survive_the_cancelled_leader",),
    30: ("tests.reports.test_single_flight::test_a_purge_wins_over_the_fetch_under_way",),
    32: ("tests.reports.test_failover::test_old_reports_stand_in_while_matomo_is_away_and_are_never_shared",),
}
NOT_HERE: Mapping[int, str] = {
    31: "nothing of the queue is computed by two processes at once: a claim belongs to one. It is a matter of the "
    "report cache, whose fetches the tests of `reports` cover",
}
