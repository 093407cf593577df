-- name: plan_anew
-- What follows in this transaction is planned for what is asked: which index is best depends on it. Postgres would keep
-- one plan for every question otherwise, after five calls, and that one reads whole tables for some of them.
select set_config('plan_cache_mode', 'force_custom_plan', true);
