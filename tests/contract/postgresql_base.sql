SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.devices_counted_on_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO device_counts AS t (subscriber_ref, block, health, part, devices) SELECT subscriber_ref, block, health, CAST(CAST(pg_current_xact_id() AS text) AS bigint), sum(n) FROM (SELECT subscriber_ref, ref >> 12, health, -1 FROM old_devices) AS changed (subscriber_ref, block, health, n) GROUP BY subscriber_ref, block, health HAVING sum(n) <> 0 ON CONFLICT (subscriber_ref, block, health, part) DO UPDATE SET devices = t.devices + excluded.devices; INSERT INTO device_cells AS t (subscriber_ref, row, col, health, part, devices) SELECT subscriber_ref, row, col, health, CAST(CAST(pg_current_xact_id() AS text) AS bigint), sum(n) FROM (SELECT subscriber_ref, CAST(trunc((latitude + 90.0) * 100) AS INTEGER), CAST(trunc((longitude + 180.0) * 100) AS INTEGER), health, -1 FROM old_devices WHERE latitude IS NOT NULL AND longitude IS NOT NULL) AS changed (subscriber_ref, row, col, health, n) GROUP BY subscriber_ref, row, col, health HAVING sum(n) <> 0 ON CONFLICT (subscriber_ref, row, col, health, part) DO UPDATE SET devices = t.devices + excluded.devices; RETURN NULL; END $$;
CREATE FUNCTION public.devices_counted_on_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO device_counts AS t (subscriber_ref, block, health, part, devices) SELECT subscriber_ref, block, health, CAST(CAST(pg_current_xact_id() AS text) AS bigint), sum(n) FROM (SELECT subscriber_ref, ref >> 12, health, 1 FROM new_devices) AS changed (subscriber_ref, block, health, n) GROUP BY subscriber_ref, block, health HAVING sum(n) <> 0 ON CONFLICT (subscriber_ref, block, health, part) DO UPDATE SET devices = t.devices + excluded.devices; INSERT INTO device_cells AS t (subscriber_ref, row, col, health, part, devices) SELECT subscriber_ref, row, col, health, CAST(CAST(pg_current_xact_id() AS text) AS bigint), sum(n) FROM (SELECT subscriber_ref, CAST(trunc((latitude + 90.0) * 100) AS INTEGER), CAST(trunc((longitude + 180.0) * 100) AS INTEGER), health, 1 FROM new_devices WHERE latitude IS NOT NULL AND longitude IS NOT NULL) AS changed (subscriber_ref, row, col, health, n) GROUP BY subscriber_ref, row, col, health HAVING sum(n) <> 0 ON CONFLICT (subscriber_ref, row, col, health, part) DO UPDATE SET devices = t.devices + excluded.devices; RETURN NULL; END $$;
CREATE FUNCTION public.devices_counted_on_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO device_counts AS t (subscriber_ref, block, health, part, devices) SELECT subscriber_ref, block, health, CAST(CAST(pg_current_xact_id() AS text) AS bigint), sum(n) FROM (SELECT subscriber_ref, ref >> 12, health, -1 FROM old_devices UNION ALL SELECT subscriber_ref, ref >> 12, health, 1 FROM new_devices) AS changed (subscriber_ref, block, health, n) GROUP BY subscriber_ref, block, health HAVING sum(n) <> 0 ON CONFLICT (subscriber_ref, block, health, part) DO UPDATE SET devices = t.devices + excluded.devices; INSERT INTO device_cells AS t (subscriber_ref, row, col, health, part, devices) SELECT subscriber_ref, row, col, health, CAST(CAST(pg_current_xact_id() AS text) AS bigint), sum(n) FROM (SELECT subscriber_ref, CAST(trunc((latitude + 90.0) * 100) AS INTEGER), CAST(trunc((longitude + 180.0) * 100) AS INTEGER), health, -1 FROM old_devices WHERE latitude IS NOT NULL AND longitude IS NOT NULL UNION ALL SELECT subscriber_ref, CAST(trunc((latitude + 90.0) * 100) AS INTEGER), CAST(trunc((longitude + 180.0) * 100) AS INTEGER), health, 1 FROM new_devices WHERE latitude IS NOT NULL AND longitude IS NOT NULL) AS changed (subscriber_ref, row, col, health, n) GROUP BY subscriber_ref, row, col, health HAVING sum(n) <> 0 ON CONFLICT (subscriber_ref, row, col, health, part) DO UPDATE SET devices = t.devices + excluded.devices; RETURN NULL; END $$;
CREATE FUNCTION public.veldnet_begin_change(expected bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1447382084, 1);
    PERFORM veldnet_prove_lease(expected);
END $$;
CREATE FUNCTION public.veldnet_begin_commit(expected bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1447382084, 1);
    PERFORM veldnet_prove_lease(expected);
END $$;
CREATE FUNCTION public.veldnet_prove_lease(expected bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF expected IS NOT NULL AND (SELECT max(epoch) FROM leases) IS DISTINCT FROM expected THEN
        RAISE EXCEPTION 'another process has taken over this database' USING ERRCODE = 'VN001';
    END IF;
END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alarm_comments (
    ref bigint NOT NULL,
    alarm_ref bigint NOT NULL,
    at bigint NOT NULL,
    author text NOT NULL COLLATE pg_catalog."C",
    text text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.alarm_comments_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alarm_comments_ref_seq OWNED BY public.alarm_comments.ref;
CREATE TABLE public.alarm_history (
    ref bigint NOT NULL,
    device_ref bigint NOT NULL,
    cleared_at bigint NOT NULL,
    type integer NOT NULL,
    object text NOT NULL COLLATE pg_catalog."C",
    state integer NOT NULL,
    occurrence integer NOT NULL,
    acked boolean NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    acked_at bigint,
    ack_author text COLLATE pg_catalog."C",
    info1 text COLLATE pg_catalog."C",
    info2 text COLLATE pg_catalog."C",
    info3 text COLLATE pg_catalog."C",
    info4 text COLLATE pg_catalog."C",
    info5 text COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.alarm_history_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alarm_history_ref_seq OWNED BY public.alarm_history.ref;
CREATE TABLE public.alarms (
    ref bigint NOT NULL,
    device_ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    type integer NOT NULL,
    object text NOT NULL COLLATE pg_catalog."C",
    state integer NOT NULL,
    occurrence integer NOT NULL,
    acked boolean NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    acked_at bigint,
    ack_author text COLLATE pg_catalog."C",
    info1 text COLLATE pg_catalog."C",
    info2 text COLLATE pg_catalog."C",
    info3 text COLLATE pg_catalog."C",
    info4 text COLLATE pg_catalog."C",
    info5 text COLLATE pg_catalog."C",
    frame_id bigint,
    cause text COLLATE pg_catalog."C",
    muted_until bigint,
    muted_by text COLLATE pg_catalog."C",
    assignee_ref bigint
);
CREATE SEQUENCE public.alarms_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alarms_ref_seq OWNED BY public.alarms.ref;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.api_keys (
    ref bigint NOT NULL,
    user_ref bigint,
    operator_user_ref bigint,
    name text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    beginning text NOT NULL COLLATE pg_catalog."C",
    scope text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    expires_at bigint,
    used_at bigint
);
CREATE SEQUENCE public.api_keys_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.api_keys_ref_seq OWNED BY public.api_keys.ref;
CREATE TABLE public.as_transport_keys (
    routing_profile_ref bigint NOT NULL,
    vault text NOT NULL COLLATE pg_catalog."C",
    sealed bytea NOT NULL
);
CREATE TABLE public.audit (
    id bigint NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    subscriber_ref bigint,
    action text NOT NULL COLLATE pg_catalog."C",
    object text NOT NULL COLLATE pg_catalog."C",
    details text NOT NULL COLLATE pg_catalog."C",
    operator_ref bigint,
    device_ref bigint
);
CREATE SEQUENCE public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_id_seq OWNED BY public.audit.id;
CREATE TABLE public.authorities (
    ref bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    certificate bytea NOT NULL,
    sealed_key bytea NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.authorities_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.authorities_ref_seq OWNED BY public.authorities.ref;
CREATE TABLE public.base_station_alarms (
    ref bigint NOT NULL,
    base_station bigint NOT NULL,
    type integer NOT NULL,
    object text NOT NULL COLLATE pg_catalog."C",
    state integer NOT NULL,
    occurrence integer NOT NULL,
    acked boolean NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    acked_at bigint,
    ack_author text COLLATE pg_catalog."C",
    info1 text COLLATE pg_catalog."C",
    info2 text COLLATE pg_catalog."C",
    info3 text COLLATE pg_catalog."C",
    info4 text COLLATE pg_catalog."C",
    info5 text COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.base_station_alarms_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.base_station_alarms_ref_seq OWNED BY public.base_station_alarms.ref;
CREATE TABLE public.base_station_hours (
    base_station bigint NOT NULL,
    hour bigint NOT NULL,
    observed bigint NOT NULL,
    down bigint NOT NULL,
    measures bytea NOT NULL
);
CREATE TABLE public.base_station_outages (
    base_station bigint NOT NULL,
    began_at bigint NOT NULL,
    ended_at bigint
);
CREATE TABLE public.base_station_profiles (
    ref bigint NOT NULL,
    operator_ref bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    settings text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.base_station_profiles_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.base_station_profiles_ref_seq OWNED BY public.base_station_profiles.ref;
CREATE TABLE public.base_station_tokens (
    ref bigint NOT NULL,
    base_station_ref bigint NOT NULL,
    digest bytea NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.base_station_tokens_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.base_station_tokens_ref_seq OWNED BY public.base_station_tokens.ref;
CREATE TABLE public.base_station_updates (
    ref bigint NOT NULL,
    base_station_ref bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    sealed bytea,
    token_ref bigint,
    certificate_ref bigint,
    created_at bigint NOT NULL,
    created_by text NOT NULL COLLATE pg_catalog."C",
    fetched_at bigint,
    confirmed_at bigint,
    firmware_ref bigint,
    attempts integer DEFAULT 0 NOT NULL,
    failed_at bigint
);
CREATE SEQUENCE public.base_station_updates_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.base_station_updates_ref_seq OWNED BY public.base_station_updates.ref;
CREATE TABLE public.base_station_worth (
    operator_ref bigint NOT NULL,
    base_station bigint NOT NULL,
    computed_at bigint NOT NULL,
    devices bigint NOT NULL,
    "only" bigint NOT NULL,
    weak bigint NOT NULL,
    best bigint NOT NULL,
    improved bigint NOT NULL
);
CREATE TABLE public.base_stations (
    ref bigint NOT NULL,
    operator_ref bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    gateway_eui text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    latitude double precision,
    longitude double precision,
    altitude double precision,
    last_seen_at bigint,
    max_tx_power integer,
    antenna_gain double precision,
    refused_frames bigint DEFAULT '0'::bigint NOT NULL,
    last_refusal text COLLATE pg_catalog."C",
    last_refusal_at bigint,
    irregular_frames bigint DEFAULT '0'::bigint NOT NULL,
    last_irregularity text COLLATE pg_catalog."C",
    last_irregularity_at bigint,
    duplicate_addresses text COLLATE pg_catalog."C",
    clock_error double precision,
    downlink_host text COLLATE pg_catalog."C",
    downlink_port integer,
    downlink_version integer,
    downlink_heard_at bigint,
    profile_ref bigint
);
CREATE SEQUENCE public.base_stations_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.base_stations_ref_seq OWNED BY public.base_stations.ref;
CREATE TABLE public.branding (
    ref bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    colour text NOT NULL COLLATE pg_catalog."C",
    logo bytea,
    logo_type text COLLATE pg_catalog."C"
);
CREATE TABLE public.catalogue_codecs (
    maker_ref bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.catalogue_makers (
    ref bigint NOT NULL,
    operator_ref bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    website text NOT NULL COLLATE pg_catalog."C",
    number integer,
    profile_numbers text NOT NULL COLLATE pg_catalog."C",
    imported_at bigint NOT NULL
);
CREATE SEQUENCE public.catalogue_makers_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.catalogue_makers_ref_seq OWNED BY public.catalogue_makers.ref;
CREATE TABLE public.catalogue_models (
    ref bigint NOT NULL,
    maker_ref bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL COLLATE pg_catalog."C",
    search text NOT NULL COLLATE pg_catalog."C",
    variants text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.catalogue_models_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.catalogue_models_ref_seq OWNED BY public.catalogue_models.ref;
CREATE TABLE public.certificates (
    ref bigint NOT NULL,
    authority_ref bigint NOT NULL,
    base_station_ref bigint,
    serial text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    expires_at bigint NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL COLLATE pg_catalog."C",
    revoked_at bigint,
    revoked_by text COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.certificates_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.certificates_ref_seq OWNED BY public.certificates.ref;
CREATE TABLE public.changes (
    seq bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    ref bigint NOT NULL,
    at bigint NOT NULL,
    txn bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL
);
CREATE SEQUENCE public.changes_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.changes_seq_seq OWNED BY public.changes.seq;
CREATE TABLE public.connectivity_plans (
    ref bigint NOT NULL,
    operator_ref bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    communication_type text NOT NULL COLLATE pg_catalog."C",
    settings text NOT NULL COLLATE pg_catalog."C",
    suspended boolean DEFAULT false NOT NULL
);
CREATE SEQUENCE public.connectivity_plans_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.connectivity_plans_ref_seq OWNED BY public.connectivity_plans.ref;
CREATE TABLE public.coverage (
    subscriber_ref bigint NOT NULL,
    level integer NOT NULL,
    "row" integer NOT NULL,
    col integer NOT NULL,
    base_station bigint NOT NULL,
    frames bigint NOT NULL,
    esp double precision NOT NULL,
    last_at bigint NOT NULL
);
CREATE TABLE public.coverage_reports (
    operator_ref bigint NOT NULL,
    begin_at bigint NOT NULL,
    made_at bigint NOT NULL,
    mailed_at bigint,
    body bytea NOT NULL
);
CREATE TABLE public.cups_contacts (
    base_station_ref bigint NOT NULL,
    at bigint NOT NULL,
    station text COLLATE pg_catalog."C",
    model text COLLATE pg_catalog."C",
    package text COLLATE pg_catalog."C",
    cups_uri text COLLATE pg_catalog."C",
    lns_uri text COLLATE pg_catalog."C",
    cups_sum bigint NOT NULL,
    lns_sum bigint NOT NULL,
    keys text NOT NULL COLLATE pg_catalog."C",
    proof text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.decoder_bindings (
    subscriber_ref bigint NOT NULL,
    profile_ref bigint NOT NULL,
    decoder_ref bigint NOT NULL
);
CREATE TABLE public.decoders (
    ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    units text DEFAULT '{}'::text NOT NULL COLLATE pg_catalog."C",
    updated_at bigint NOT NULL,
    updated_by text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.decoders_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.decoders_ref_seq OWNED BY public.decoders.ref;
CREATE TABLE public.deliveries (
    id bigint NOT NULL,
    frame_id bigint NOT NULL,
    device_ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    queue text NOT NULL COLLATE pg_catalog."C",
    expires_at bigint NOT NULL,
    state integer NOT NULL,
    last_error text COLLATE pg_catalog."C",
    message bytea NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    last_attempt_at bigint,
    next_attempt_at bigint,
    address text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C"
);
CREATE TABLE public.delivery_results (
    frame_id bigint NOT NULL,
    delivery_id bigint NOT NULL,
    result bytea NOT NULL
);
CREATE TABLE public.device_cells (
    subscriber_ref bigint NOT NULL,
    "row" integer NOT NULL,
    col integer NOT NULL,
    health integer NOT NULL,
    part bigint DEFAULT '0'::bigint NOT NULL,
    devices bigint NOT NULL
);
CREATE TABLE public.device_counts (
    subscriber_ref bigint NOT NULL,
    block bigint NOT NULL,
    health integer NOT NULL,
    part bigint DEFAULT '0'::bigint NOT NULL,
    devices bigint NOT NULL
);
CREATE TABLE public.device_key_changes (
    ref bigint NOT NULL,
    device_ref bigint NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    keys text NOT NULL COLLATE pg_catalog."C",
    session_reset boolean NOT NULL
);
CREATE SEQUENCE public.device_key_changes_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.device_key_changes_ref_seq OWNED BY public.device_key_changes.ref;
CREATE TABLE public.device_order (
    device_ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    heard_hour integer NOT NULL,
    lost_percent integer NOT NULL
);
CREATE TABLE public.device_profiles (
    ref bigint NOT NULL,
    operator_ref bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    type_mac text NOT NULL COLLATE pg_catalog."C",
    settings text NOT NULL COLLATE pg_catalog."C",
    suspended boolean DEFAULT false NOT NULL
);
CREATE SEQUENCE public.device_profiles_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.device_profiles_ref_seq OWNED BY public.device_profiles.ref;
CREATE TABLE public.device_states (
    device_ref bigint NOT NULL,
    dev_addr bigint,
    pending_dev_addr bigint,
    state bytea,
    join_memory bytea,
    unsolicited integer,
    current_class text COLLATE pg_catalog."C",
    monitoring bytea,
    check_at bigint
);
CREATE TABLE public.device_tags (
    subscriber_ref bigint NOT NULL,
    tag text NOT NULL COLLATE pg_catalog."C",
    device_ref bigint NOT NULL
);
CREATE TABLE public.devices (
    ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    dev_eui text NOT NULL COLLATE pg_catalog."C",
    join_eui text COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    activation_type text NOT NULL COLLATE pg_catalog."C",
    device_class text NOT NULL COLLATE pg_catalog."C",
    profile_ref bigint NOT NULL,
    plan_ref bigint,
    routing_profile_ref bigint,
    processing_strategy text COLLATE pg_catalog."C",
    hsm_group_ref bigint,
    sealed_app_key bytea,
    sealed_nwk_key bytea,
    motion_indicator text COLLATE pg_catalog."C",
    latitude double precision,
    longitude double precision,
    health integer DEFAULT 0 NOT NULL,
    details text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    updated_by text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.devices_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.devices_ref_seq OWNED BY public.devices.ref;
CREATE TABLE public.downlinks (
    id bigint NOT NULL,
    device_ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    state integer NOT NULL,
    submitted_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    fport integer NOT NULL,
    size integer NOT NULL,
    payload bytea,
    confirmed boolean NOT NULL,
    fcnt bigint,
    priority integer NOT NULL,
    after_join boolean NOT NULL,
    expires_at bigint,
    correlation_id text COLLATE pg_catalog."C",
    sending_at bigint,
    sent_at bigint,
    frame_id bigint,
    base_station bigint,
    slot integer,
    causes text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    answered_at bigint,
    answer_frame_id bigint
);
CREATE TABLE public.exchange_keys (
    ref bigint NOT NULL,
    vault text NOT NULL COLLATE pg_catalog."C",
    form text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    public_key text NOT NULL COLLATE pg_catalog."C",
    sealed bytea NOT NULL,
    subscriber_ref bigint,
    created_at bigint NOT NULL
);
CREATE SEQUENCE public.exchange_keys_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.exchange_keys_ref_seq OWNED BY public.exchange_keys.ref;
CREATE TABLE public.firmware (
    ref bigint NOT NULL,
    operator_ref bigint NOT NULL,
    model text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    size bigint NOT NULL,
    digest bytea NOT NULL,
    complete boolean NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.firmware_parts (
    firmware_ref bigint NOT NULL,
    number integer NOT NULL,
    content bytea NOT NULL
);
CREATE SEQUENCE public.firmware_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.firmware_ref_seq OWNED BY public.firmware.ref;
CREATE TABLE public.firmware_signatures (
    firmware_ref bigint NOT NULL,
    key_sum bigint NOT NULL,
    signature bytea NOT NULL
);
CREATE TABLE public.frame_bodies (
    frame_id bigint NOT NULL,
    part integer NOT NULL,
    body bytea NOT NULL
)
PARTITION BY RANGE (frame_id);
CREATE TABLE public.frames (
    id bigint NOT NULL,
    device_ref bigint NOT NULL,
    kind integer NOT NULL,
    outcome text NOT NULL COLLATE pg_catalog."C",
    fcnt bigint,
    fport integer,
    size integer NOT NULL,
    rssi integer,
    snr integer,
    data_rate integer,
    base_station bigint,
    copies integer NOT NULL,
    at bigint,
    flags integer DEFAULT 0 NOT NULL,
    gap integer,
    airtime integer,
    sf integer,
    heard bytea,
    subscriber_ref bigint,
    plan_ref bigint,
    battery integer,
    margin integer
)
PARTITION BY RANGE (id);
CREATE TABLE public.hearing (
    device_ref bigint NOT NULL,
    base_station bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    frames bigint NOT NULL,
    weight double precision NOT NULL,
    margin double precision,
    last_at bigint NOT NULL
);
CREATE TABLE public.hourly_statistics (
    scope integer NOT NULL,
    scope_ref bigint NOT NULL,
    hour integer NOT NULL,
    uplinks bigint NOT NULL,
    uplinks_late bigint NOT NULL,
    uplink_bytes bigint NOT NULL,
    late_bytes bigint NOT NULL,
    lost bigint NOT NULL,
    rssi bigint NOT NULL,
    snr bigint NOT NULL,
    esp bigint NOT NULL,
    per bigint NOT NULL,
    uplink_airtime bigint NOT NULL,
    sf7 bigint NOT NULL,
    sf8 bigint NOT NULL,
    sf9 bigint NOT NULL,
    sf10 bigint NOT NULL,
    sf11 bigint NOT NULL,
    sf12 bigint NOT NULL,
    sf_other bigint NOT NULL,
    uplinks_over bigint NOT NULL,
    downlinks_sent bigint NOT NULL,
    downlinks_failed bigint NOT NULL,
    sent_bytes bigint NOT NULL,
    failed_bytes bigint NOT NULL,
    downlink_airtime bigint NOT NULL,
    downlinks_over bigint NOT NULL,
    joins bigint NOT NULL,
    joins_refused bigint NOT NULL,
    refused bigint NOT NULL,
    unmeasured bigint NOT NULL
);
CREATE TABLE public.hsm_groups (
    ref bigint NOT NULL,
    operator_ref bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    vault text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    suspended boolean DEFAULT false NOT NULL
);
CREATE SEQUENCE public.hsm_groups_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.hsm_groups_ref_seq OWNED BY public.hsm_groups.ref;
CREATE TABLE public.id_marks (
    partition integer NOT NULL,
    last_id bigint NOT NULL
);
CREATE TABLE public.id_steps (
    first_id bigint NOT NULL,
    ahead bigint NOT NULL
);
CREATE TABLE public.identities (
    ref bigint NOT NULL,
    user_ref bigint,
    operator_user_ref bigint,
    issuer text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    shown text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);
CREATE SEQUENCE public.identities_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.identities_ref_seq OWNED BY public.identities.ref;
CREATE TABLE public.imported_devices (
    import_ref bigint NOT NULL,
    device_ref bigint NOT NULL
);
CREATE TABLE public.imports (
    ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    undone_at bigint
);
CREATE SEQUENCE public.imports_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.imports_ref_seq OWNED BY public.imports.ref;
CREATE TABLE public.invitations (
    ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    email text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    invited_by text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE SEQUENCE public.invitations_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.invitations_ref_seq OWNED BY public.invitations.ref;
CREATE TABLE public.leases (
    partition integer NOT NULL,
    epoch bigint NOT NULL,
    owner text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.module_alarms (
    ref bigint NOT NULL,
    module text NOT NULL COLLATE pg_catalog."C",
    type integer NOT NULL,
    object text NOT NULL COLLATE pg_catalog."C",
    state integer NOT NULL,
    occurrence integer NOT NULL,
    acked boolean NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    acked_at bigint,
    ack_author text COLLATE pg_catalog."C",
    info1 text COLLATE pg_catalog."C",
    info2 text COLLATE pg_catalog."C",
    info3 text COLLATE pg_catalog."C",
    info4 text COLLATE pg_catalog."C",
    info5 text COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.module_alarms_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.module_alarms_ref_seq OWNED BY public.module_alarms.ref;
CREATE TABLE public.notification_settings (
    scope integer NOT NULL,
    scope_ref bigint NOT NULL,
    settings text NOT NULL COLLATE pg_catalog."C",
    sealed_secret bytea
);
CREATE TABLE public.notifications (
    id bigint NOT NULL,
    scope integer NOT NULL,
    scope_ref bigint NOT NULL,
    event bytea NOT NULL
);
CREATE TABLE public.operator_users (
    ref bigint NOT NULL,
    operator_ref bigint NOT NULL,
    username text NOT NULL COLLATE pg_catalog."C",
    password_hash text NOT NULL COLLATE pg_catalog."C",
    display_name text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    email text COLLATE pg_catalog."C",
    language text COLLATE pg_catalog."C",
    station_access boolean DEFAULT false NOT NULL
);
CREATE SEQUENCE public.operator_users_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.operator_users_ref_seq OWNED BY public.operator_users.ref;
CREATE TABLE public.operators (
    ref bigint NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.operators_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.operators_ref_seq OWNED BY public.operators.ref;
CREATE TABLE public.passkeys (
    ref bigint NOT NULL,
    user_ref bigint,
    operator_user_ref bigint,
    credential_id bytea NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    handle bytea NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    transports text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    used_at bigint,
    copied boolean DEFAULT false NOT NULL
);
CREATE SEQUENCE public.passkeys_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.passkeys_ref_seq OWNED BY public.passkeys.ref;
CREATE TABLE public.password_resets (
    digest bytea NOT NULL,
    user_ref bigint,
    operator_user_ref bigint,
    expires_at bigint NOT NULL
);
CREATE TABLE public.plan_grants (
    subscriber_ref bigint NOT NULL,
    plan_ref bigint NOT NULL,
    granted integer NOT NULL,
    used integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.preferences (
    account text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.projects (
    ref bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    secret_hash text NOT NULL COLLATE pg_catalog."C",
    user_ref bigint,
    activated_at bigint,
    subscriber_ref bigint
);
CREATE SEQUENCE public.projects_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.projects_ref_seq OWNED BY public.projects.ref;
CREATE TABLE public.properties (
    name text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.recovery_codes (
    digest bytea NOT NULL,
    user_ref bigint,
    operator_user_ref bigint
);
CREATE TABLE public.retired_base_stations (
    id text NOT NULL COLLATE pg_catalog."C",
    retired_at bigint NOT NULL
);
CREATE TABLE public.revoked_serials (
    serial text NOT NULL COLLATE pg_catalog."C",
    revoked_at bigint NOT NULL,
    revoked_by text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.routes (
    routing_profile_ref bigint NOT NULL,
    "position" integer NOT NULL,
    source_ports text NOT NULL COLLATE pg_catalog."C",
    strategy text NOT NULL COLLATE pg_catalog."C",
    content_type text NOT NULL COLLATE pg_catalog."C",
    as_id text COLLATE pg_catalog."C",
    sealed_as_key bytea,
    max_deviation integer,
    addresses text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.routing_profiles (
    ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    is_default boolean NOT NULL,
    is_dummy boolean NOT NULL,
    hsm_group_ref bigint
);
CREATE SEQUENCE public.routing_profiles_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.routing_profiles_ref_seq OWNED BY public.routing_profiles.ref;
CREATE TABLE public.second_factors (
    ref bigint NOT NULL,
    user_ref bigint,
    operator_user_ref bigint,
    sealed_secret bytea NOT NULL,
    confirmed_at bigint,
    last_step bigint NOT NULL
);
CREATE SEQUENCE public.second_factors_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.second_factors_ref_seq OWNED BY public.second_factors.ref;
CREATE TABLE public.sessions (
    digest bytea NOT NULL,
    user_ref bigint,
    operator_user_ref bigint,
    used_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    created_at bigint DEFAULT '0'::bigint NOT NULL,
    agent text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    address text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    provider text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    verified boolean DEFAULT false NOT NULL
);
CREATE TABLE public.subscribers (
    ref bigint NOT NULL,
    operator_ref bigint NOT NULL,
    customer_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    suspended boolean DEFAULT false NOT NULL
);
CREATE SEQUENCE public.subscribers_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.subscribers_ref_seq OWNED BY public.subscribers.ref;
CREATE TABLE public.tokens (
    digest bytea NOT NULL,
    project_ref bigint,
    user_ref bigint,
    expires_at bigint NOT NULL
);
CREATE TABLE public.unknown_base_stations (
    gateway_eui text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    datagrams bigint NOT NULL,
    last_seen_at bigint NOT NULL
);
CREATE TABLE public.users (
    ref bigint NOT NULL,
    subscriber_ref bigint NOT NULL,
    username text NOT NULL COLLATE pg_catalog."C",
    password_hash text NOT NULL COLLATE pg_catalog."C",
    display_name text NOT NULL COLLATE pg_catalog."C",
    role text DEFAULT 'rw'::text NOT NULL COLLATE pg_catalog."C",
    email text COLLATE pg_catalog."C",
    language text COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.users_ref_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.users_ref_seq OWNED BY public.users.ref;
ALTER TABLE ONLY public.alarm_comments ALTER COLUMN ref SET DEFAULT nextval('public.alarm_comments_ref_seq'::regclass);
ALTER TABLE ONLY public.alarm_history ALTER COLUMN ref SET DEFAULT nextval('public.alarm_history_ref_seq'::regclass);
ALTER TABLE ONLY public.alarms ALTER COLUMN ref SET DEFAULT nextval('public.alarms_ref_seq'::regclass);
ALTER TABLE ONLY public.api_keys ALTER COLUMN ref SET DEFAULT nextval('public.api_keys_ref_seq'::regclass);
ALTER TABLE ONLY public.audit ALTER COLUMN id SET DEFAULT nextval('public.audit_id_seq'::regclass);
ALTER TABLE ONLY public.authorities ALTER COLUMN ref SET DEFAULT nextval('public.authorities_ref_seq'::regclass);
ALTER TABLE ONLY public.base_station_alarms ALTER COLUMN ref SET DEFAULT nextval('public.base_station_alarms_ref_seq'::regclass);
ALTER TABLE ONLY public.base_station_profiles ALTER COLUMN ref SET DEFAULT nextval('public.base_station_profiles_ref_seq'::regclass);
ALTER TABLE ONLY public.base_station_tokens ALTER COLUMN ref SET DEFAULT nextval('public.base_station_tokens_ref_seq'::regclass);
ALTER TABLE ONLY public.base_station_updates ALTER COLUMN ref SET DEFAULT nextval('public.base_station_updates_ref_seq'::regclass);
ALTER TABLE ONLY public.base_stations ALTER COLUMN ref SET DEFAULT nextval('public.base_stations_ref_seq'::regclass);
ALTER TABLE ONLY public.catalogue_makers ALTER COLUMN ref SET DEFAULT nextval('public.catalogue_makers_ref_seq'::regclass);
ALTER TABLE ONLY public.catalogue_models ALTER COLUMN ref SET DEFAULT nextval('public.catalogue_models_ref_seq'::regclass);
ALTER TABLE ONLY public.certificates ALTER COLUMN ref SET DEFAULT nextval('public.certificates_ref_seq'::regclass);
ALTER TABLE ONLY public.changes ALTER COLUMN seq SET DEFAULT nextval('public.changes_seq_seq'::regclass);
ALTER TABLE ONLY public.connectivity_plans ALTER COLUMN ref SET DEFAULT nextval('public.connectivity_plans_ref_seq'::regclass);
ALTER TABLE ONLY public.decoders ALTER COLUMN ref SET DEFAULT nextval('public.decoders_ref_seq'::regclass);
ALTER TABLE ONLY public.device_key_changes ALTER COLUMN ref SET DEFAULT nextval('public.device_key_changes_ref_seq'::regclass);
ALTER TABLE ONLY public.device_profiles ALTER COLUMN ref SET DEFAULT nextval('public.device_profiles_ref_seq'::regclass);
ALTER TABLE ONLY public.devices ALTER COLUMN ref SET DEFAULT nextval('public.devices_ref_seq'::regclass);
ALTER TABLE ONLY public.exchange_keys ALTER COLUMN ref SET DEFAULT nextval('public.exchange_keys_ref_seq'::regclass);
ALTER TABLE ONLY public.firmware ALTER COLUMN ref SET DEFAULT nextval('public.firmware_ref_seq'::regclass);
ALTER TABLE ONLY public.hsm_groups ALTER COLUMN ref SET DEFAULT nextval('public.hsm_groups_ref_seq'::regclass);
ALTER TABLE ONLY public.identities ALTER COLUMN ref SET DEFAULT nextval('public.identities_ref_seq'::regclass);
ALTER TABLE ONLY public.imports ALTER COLUMN ref SET DEFAULT nextval('public.imports_ref_seq'::regclass);
ALTER TABLE ONLY public.invitations ALTER COLUMN ref SET DEFAULT nextval('public.invitations_ref_seq'::regclass);
ALTER TABLE ONLY public.module_alarms ALTER COLUMN ref SET DEFAULT nextval('public.module_alarms_ref_seq'::regclass);
ALTER TABLE ONLY public.operator_users ALTER COLUMN ref SET DEFAULT nextval('public.operator_users_ref_seq'::regclass);
ALTER TABLE ONLY public.operators ALTER COLUMN ref SET DEFAULT nextval('public.operators_ref_seq'::regclass);
ALTER TABLE ONLY public.passkeys ALTER COLUMN ref SET DEFAULT nextval('public.passkeys_ref_seq'::regclass);
ALTER TABLE ONLY public.projects ALTER COLUMN ref SET DEFAULT nextval('public.projects_ref_seq'::regclass);
ALTER TABLE ONLY public.routing_profiles ALTER COLUMN ref SET DEFAULT nextval('public.routing_profiles_ref_seq'::regclass);
ALTER TABLE ONLY public.second_factors ALTER COLUMN ref SET DEFAULT nextval('public.second_factors_ref_seq'::regclass);
ALTER TABLE ONLY public.subscribers ALTER COLUMN ref SET DEFAULT nextval('public.subscribers_ref_seq'::regclass);
ALTER TABLE ONLY public.users ALTER COLUMN ref SET DEFAULT nextval('public.users_ref_seq'::regclass);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.alarm_comments
    ADD CONSTRAINT pk_alarm_comments PRIMARY KEY (ref);
ALTER TABLE ONLY public.alarm_history
    ADD CONSTRAINT pk_alarm_history PRIMARY KEY (ref);
ALTER TABLE ONLY public.alarms
    ADD CONSTRAINT pk_alarms PRIMARY KEY (ref);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT pk_api_keys PRIMARY KEY (ref);
ALTER TABLE ONLY public.as_transport_keys
    ADD CONSTRAINT pk_as_transport_keys PRIMARY KEY (routing_profile_ref, vault);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (id);
ALTER TABLE ONLY public.authorities
    ADD CONSTRAINT pk_authorities PRIMARY KEY (ref);
ALTER TABLE ONLY public.base_station_alarms
    ADD CONSTRAINT pk_base_station_alarms PRIMARY KEY (ref);
ALTER TABLE ONLY public.base_station_hours
    ADD CONSTRAINT pk_base_station_hours PRIMARY KEY (base_station, hour);
ALTER TABLE ONLY public.base_station_outages
    ADD CONSTRAINT pk_base_station_outages PRIMARY KEY (base_station, began_at);
ALTER TABLE ONLY public.base_station_profiles
    ADD CONSTRAINT pk_base_station_profiles PRIMARY KEY (ref);
ALTER TABLE ONLY public.base_station_tokens
    ADD CONSTRAINT pk_base_station_tokens PRIMARY KEY (ref);
ALTER TABLE ONLY public.base_station_updates
    ADD CONSTRAINT pk_base_station_updates PRIMARY KEY (ref);
ALTER TABLE ONLY public.base_station_worth
    ADD CONSTRAINT pk_base_station_worth PRIMARY KEY (operator_ref, base_station);
ALTER TABLE ONLY public.base_stations
    ADD CONSTRAINT pk_base_stations PRIMARY KEY (ref);
ALTER TABLE ONLY public.branding
    ADD CONSTRAINT pk_branding PRIMARY KEY (ref);
ALTER TABLE ONLY public.catalogue_codecs
    ADD CONSTRAINT pk_catalogue_codecs PRIMARY KEY (maker_ref, id);
ALTER TABLE ONLY public.catalogue_makers
    ADD CONSTRAINT pk_catalogue_makers PRIMARY KEY (ref);
ALTER TABLE ONLY public.catalogue_models
    ADD CONSTRAINT pk_catalogue_models PRIMARY KEY (ref);
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT pk_certificates PRIMARY KEY (ref);
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT pk_changes PRIMARY KEY (seq);
ALTER TABLE ONLY public.connectivity_plans
    ADD CONSTRAINT pk_connectivity_plans PRIMARY KEY (ref);
ALTER TABLE ONLY public.coverage
    ADD CONSTRAINT pk_coverage PRIMARY KEY (subscriber_ref, level, "row", col, base_station);
ALTER TABLE ONLY public.coverage_reports
    ADD CONSTRAINT pk_coverage_reports PRIMARY KEY (operator_ref, begin_at);
ALTER TABLE ONLY public.cups_contacts
    ADD CONSTRAINT pk_cups_contacts PRIMARY KEY (base_station_ref);
ALTER TABLE ONLY public.decoder_bindings
    ADD CONSTRAINT pk_decoder_bindings PRIMARY KEY (subscriber_ref, profile_ref);
ALTER TABLE ONLY public.decoders
    ADD CONSTRAINT pk_decoders PRIMARY KEY (ref);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT pk_deliveries PRIMARY KEY (id);
ALTER TABLE ONLY public.delivery_results
    ADD CONSTRAINT pk_delivery_results PRIMARY KEY (frame_id, delivery_id);
ALTER TABLE ONLY public.device_cells
    ADD CONSTRAINT pk_device_cells PRIMARY KEY (subscriber_ref, "row", col, health, part);
ALTER TABLE ONLY public.device_counts
    ADD CONSTRAINT pk_device_counts PRIMARY KEY (subscriber_ref, block, health, part);
ALTER TABLE ONLY public.device_key_changes
    ADD CONSTRAINT pk_device_key_changes PRIMARY KEY (ref);
ALTER TABLE ONLY public.device_order
    ADD CONSTRAINT pk_device_order PRIMARY KEY (device_ref);
ALTER TABLE ONLY public.device_profiles
    ADD CONSTRAINT pk_device_profiles PRIMARY KEY (ref);
ALTER TABLE ONLY public.device_states
    ADD CONSTRAINT pk_device_states PRIMARY KEY (device_ref);
ALTER TABLE ONLY public.device_tags
    ADD CONSTRAINT pk_device_tags PRIMARY KEY (subscriber_ref, tag, device_ref);
ALTER TABLE ONLY public.devices
    ADD CONSTRAINT pk_devices PRIMARY KEY (ref);
ALTER TABLE ONLY public.downlinks
    ADD CONSTRAINT pk_downlinks PRIMARY KEY (id);
ALTER TABLE ONLY public.exchange_keys
    ADD CONSTRAINT pk_exchange_keys PRIMARY KEY (ref);
ALTER TABLE ONLY public.firmware
    ADD CONSTRAINT pk_firmware PRIMARY KEY (ref);
ALTER TABLE ONLY public.firmware_parts
    ADD CONSTRAINT pk_firmware_parts PRIMARY KEY (firmware_ref, number);
ALTER TABLE ONLY public.firmware_signatures
    ADD CONSTRAINT pk_firmware_signatures PRIMARY KEY (firmware_ref, key_sum);
ALTER TABLE ONLY public.frame_bodies
    ADD CONSTRAINT pk_frame_bodies PRIMARY KEY (frame_id, part);
ALTER TABLE ONLY public.frames
    ADD CONSTRAINT pk_frames PRIMARY KEY (device_ref, id);
ALTER TABLE ONLY public.hearing
    ADD CONSTRAINT pk_hearing PRIMARY KEY (device_ref, base_station);
ALTER TABLE ONLY public.hourly_statistics
    ADD CONSTRAINT pk_hourly_statistics PRIMARY KEY (scope, scope_ref, hour);
ALTER TABLE ONLY public.hsm_groups
    ADD CONSTRAINT pk_hsm_groups PRIMARY KEY (ref);
ALTER TABLE ONLY public.id_marks
    ADD CONSTRAINT pk_id_marks PRIMARY KEY (partition);
ALTER TABLE ONLY public.id_steps
    ADD CONSTRAINT pk_id_steps PRIMARY KEY (first_id);
ALTER TABLE ONLY public.identities
    ADD CONSTRAINT pk_identities PRIMARY KEY (ref);
ALTER TABLE ONLY public.imported_devices
    ADD CONSTRAINT pk_imported_devices PRIMARY KEY (import_ref, device_ref);
ALTER TABLE ONLY public.imports
    ADD CONSTRAINT pk_imports PRIMARY KEY (ref);
ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT pk_invitations PRIMARY KEY (ref);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT pk_leases PRIMARY KEY (partition);
ALTER TABLE ONLY public.module_alarms
    ADD CONSTRAINT pk_module_alarms PRIMARY KEY (ref);
ALTER TABLE ONLY public.notification_settings
    ADD CONSTRAINT pk_notification_settings PRIMARY KEY (scope, scope_ref);
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT pk_notifications PRIMARY KEY (id);
ALTER TABLE ONLY public.operator_users
    ADD CONSTRAINT pk_operator_users PRIMARY KEY (ref);
ALTER TABLE ONLY public.operators
    ADD CONSTRAINT pk_operators PRIMARY KEY (ref);
ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT pk_passkeys PRIMARY KEY (ref);
ALTER TABLE ONLY public.password_resets
    ADD CONSTRAINT pk_password_resets PRIMARY KEY (digest);
ALTER TABLE ONLY public.plan_grants
    ADD CONSTRAINT pk_plan_grants PRIMARY KEY (subscriber_ref, plan_ref);
ALTER TABLE ONLY public.preferences
    ADD CONSTRAINT pk_preferences PRIMARY KEY (account);
ALTER TABLE ONLY public.projects
    ADD CONSTRAINT pk_projects PRIMARY KEY (ref);
ALTER TABLE ONLY public.properties
    ADD CONSTRAINT pk_properties PRIMARY KEY (name);
ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT pk_recovery_codes PRIMARY KEY (digest);
ALTER TABLE ONLY public.retired_base_stations
    ADD CONSTRAINT pk_retired_base_stations PRIMARY KEY (id);
ALTER TABLE ONLY public.revoked_serials
    ADD CONSTRAINT pk_revoked_serials PRIMARY KEY (serial);
ALTER TABLE ONLY public.routes
    ADD CONSTRAINT pk_routes PRIMARY KEY (routing_profile_ref, "position");
ALTER TABLE ONLY public.routing_profiles
    ADD CONSTRAINT pk_routing_profiles PRIMARY KEY (ref);
ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT pk_second_factors PRIMARY KEY (ref);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT pk_sessions PRIMARY KEY (digest);
ALTER TABLE ONLY public.subscribers
    ADD CONSTRAINT pk_subscribers PRIMARY KEY (ref);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT pk_tokens PRIMARY KEY (digest);
ALTER TABLE ONLY public.unknown_base_stations
    ADD CONSTRAINT pk_unknown_base_stations PRIMARY KEY (gateway_eui);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (ref);
ALTER TABLE ONLY public.alarms
    ADD CONSTRAINT uq_alarms_device_ref_type_object UNIQUE (device_ref, type, object);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT uq_api_keys_digest UNIQUE (digest);
ALTER TABLE ONLY public.base_station_alarms
    ADD CONSTRAINT uq_base_station_alarms_base_station_type_object UNIQUE (base_station, type, object);
ALTER TABLE ONLY public.base_station_profiles
    ADD CONSTRAINT uq_base_station_profiles_operator_ref_id UNIQUE (operator_ref, id);
ALTER TABLE ONLY public.base_station_tokens
    ADD CONSTRAINT uq_base_station_tokens_digest UNIQUE (digest);
ALTER TABLE ONLY public.base_station_updates
    ADD CONSTRAINT uq_base_station_updates_base_station_ref_kind UNIQUE (base_station_ref, kind);
ALTER TABLE ONLY public.base_stations
    ADD CONSTRAINT uq_base_stations_gateway_eui UNIQUE (gateway_eui);
ALTER TABLE ONLY public.base_stations
    ADD CONSTRAINT uq_base_stations_id UNIQUE (id);
ALTER TABLE ONLY public.catalogue_makers
    ADD CONSTRAINT uq_catalogue_makers_operator_ref_id UNIQUE (operator_ref, id);
ALTER TABLE ONLY public.catalogue_models
    ADD CONSTRAINT uq_catalogue_models_maker_ref_id UNIQUE (maker_ref, id);
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT uq_certificates_serial UNIQUE (serial);
ALTER TABLE ONLY public.connectivity_plans
    ADD CONSTRAINT uq_connectivity_plans_operator_ref_id UNIQUE (operator_ref, id);
ALTER TABLE ONLY public.device_profiles
    ADD CONSTRAINT uq_device_profiles_operator_ref_id UNIQUE (operator_ref, id);
ALTER TABLE ONLY public.devices
    ADD CONSTRAINT uq_devices_dev_eui UNIQUE (dev_eui);
ALTER TABLE ONLY public.exchange_keys
    ADD CONSTRAINT uq_exchange_keys_vault_form_version UNIQUE (vault, form, version);
ALTER TABLE ONLY public.hsm_groups
    ADD CONSTRAINT uq_hsm_groups_operator_ref_id UNIQUE (operator_ref, id);
ALTER TABLE ONLY public.identities
    ADD CONSTRAINT uq_identities_issuer_subject UNIQUE (issuer, subject);
ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT uq_invitations_digest UNIQUE (digest);
ALTER TABLE ONLY public.module_alarms
    ADD CONSTRAINT uq_module_alarms_module_type_object UNIQUE (module, type, object);
ALTER TABLE ONLY public.operator_users
    ADD CONSTRAINT uq_operator_users_username UNIQUE (username);
ALTER TABLE ONLY public.operators
    ADD CONSTRAINT uq_operators_code UNIQUE (code);
ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT uq_passkeys_credential_id UNIQUE (credential_id);
ALTER TABLE ONLY public.projects
    ADD CONSTRAINT uq_projects_client_id UNIQUE (client_id);
ALTER TABLE ONLY public.subscribers
    ADD CONSTRAINT uq_subscribers_customer_id UNIQUE (customer_id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT uq_users_username UNIQUE (username);
CREATE INDEX ix_alarm_comments_alarm_ref ON public.alarm_comments USING btree (alarm_ref);
CREATE INDEX ix_alarm_history_cleared_at ON public.alarm_history USING btree (cleared_at);
CREATE INDEX ix_alarm_history_device_ref_cleared_at ON public.alarm_history USING btree (device_ref, cleared_at);
CREATE INDEX ix_alarms_subscriber_ref_updated_at_ref ON public.alarms USING btree (subscriber_ref, updated_at, ref);
CREATE INDEX ix_alarms_unacknowledged ON public.alarms USING btree (subscriber_ref, device_ref, state) WHERE (acked IS FALSE);
CREATE INDEX ix_api_keys_operator_user_ref ON public.api_keys USING btree (operator_user_ref);
CREATE INDEX ix_api_keys_user_ref ON public.api_keys USING btree (user_ref);
CREATE INDEX ix_audit_device_ref_id ON public.audit USING btree (device_ref, id) WHERE (device_ref IS NOT NULL);
CREATE INDEX ix_audit_subscriber_ref_id ON public.audit USING btree (subscriber_ref, id);
CREATE INDEX ix_base_station_hours_hour ON public.base_station_hours USING btree (hour, base_station, observed, down);
CREATE INDEX ix_base_station_outages_ended_at ON public.base_station_outages USING btree (ended_at);
CREATE INDEX ix_base_station_tokens_base_station_ref ON public.base_station_tokens USING btree (base_station_ref);
CREATE INDEX ix_base_stations_profile_ref ON public.base_stations USING btree (profile_ref);
CREATE INDEX ix_catalogue_makers_operator_ref_number ON public.catalogue_makers USING btree (operator_ref, number);
CREATE INDEX ix_certificates_base_station_ref ON public.certificates USING btree (base_station_ref);
CREATE INDEX ix_changes_txn_seq ON public.changes USING btree (txn, seq);
CREATE INDEX ix_coverage_last_at ON public.coverage USING btree (last_at);
CREATE INDEX ix_decoders_subscriber_ref ON public.decoders USING btree (subscriber_ref);
CREATE INDEX ix_deliveries_queue ON public.deliveries USING btree (device_ref, queue, state, id);
CREATE INDEX ix_deliveries_state_id ON public.deliveries USING btree (state, id);
CREATE INDEX ix_device_key_changes_device_ref ON public.device_key_changes USING btree (device_ref);
CREATE INDEX ix_device_order_heard_hour ON public.device_order USING btree (subscriber_ref, heard_hour, device_ref);
CREATE INDEX ix_device_order_lost_percent ON public.device_order USING btree (subscriber_ref, lost_percent, device_ref);
CREATE INDEX ix_device_states_check_at ON public.device_states USING btree (check_at) WHERE (check_at IS NOT NULL);
CREATE INDEX ix_device_states_dev_addr ON public.device_states USING btree (dev_addr);
CREATE INDEX ix_device_states_pending_dev_addr ON public.device_states USING btree (pending_dev_addr);
CREATE INDEX ix_device_states_unsolicited ON public.device_states USING btree (device_ref) WHERE (unsolicited IS NOT NULL);
CREATE INDEX ix_device_tags_device_ref ON public.device_tags USING btree (device_ref);
CREATE INDEX ix_devices_eui_end ON public.devices USING btree (substr(dev_eui, 13), subscriber_ref, dev_eui);
CREATE INDEX ix_devices_position ON public.devices USING btree (subscriber_ref, latitude, longitude, health) WHERE (latitude IS NOT NULL);
CREATE INDEX ix_devices_routing_profile_ref ON public.devices USING btree (routing_profile_ref);
CREATE INDEX ix_devices_subscriber_ref_dev_eui ON public.devices USING btree (subscriber_ref, dev_eui);
CREATE INDEX ix_devices_subscriber_ref_health_ref ON public.devices USING btree (subscriber_ref, health, ref);
CREATE INDEX ix_devices_subscriber_ref_name ON public.devices USING btree (subscriber_ref, name, dev_eui);
CREATE INDEX ix_devices_subscriber_ref_ref ON public.devices USING btree (subscriber_ref, ref);
CREATE INDEX ix_downlinks_device_ref_id ON public.downlinks USING btree (device_ref, id);
CREATE INDEX ix_downlinks_subscriber_ref_id ON public.downlinks USING btree (subscriber_ref, id);
CREATE INDEX ix_downlinks_subscriber_ref_state_id ON public.downlinks USING btree (subscriber_ref, state, id);
CREATE INDEX ix_firmware_operator_ref ON public.firmware USING btree (operator_ref);
CREATE UNIQUE INDEX ix_frames_id ON ONLY public.frames USING btree (id);
CREATE INDEX ix_hearing_base_station ON public.hearing USING btree (base_station);
CREATE INDEX ix_hearing_last_at ON public.hearing USING btree (last_at);
CREATE INDEX ix_hourly_statistics_hour ON public.hourly_statistics USING btree (hour);
CREATE INDEX ix_identities_operator_user_ref ON public.identities USING btree (operator_user_ref);
CREATE INDEX ix_identities_user_ref ON public.identities USING btree (user_ref);
CREATE INDEX ix_imported_devices_device_ref ON public.imported_devices USING btree (device_ref);
CREATE INDEX ix_imports_subscriber_ref ON public.imports USING btree (subscriber_ref);
CREATE INDEX ix_invitations_subscriber_ref ON public.invitations USING btree (subscriber_ref);
CREATE INDEX ix_operator_users_email ON public.operator_users USING btree (email);
CREATE INDEX ix_operator_users_operator_ref ON public.operator_users USING btree (operator_ref);
CREATE INDEX ix_passkeys_operator_user_ref ON public.passkeys USING btree (operator_user_ref);
CREATE INDEX ix_passkeys_user_ref ON public.passkeys USING btree (user_ref);
CREATE INDEX ix_password_resets_expires_at ON public.password_resets USING btree (expires_at);
CREATE INDEX ix_password_resets_operator_user_ref ON public.password_resets USING btree (operator_user_ref);
CREATE INDEX ix_password_resets_user_ref ON public.password_resets USING btree (user_ref);
CREATE INDEX ix_recovery_codes_operator_user_ref ON public.recovery_codes USING btree (operator_user_ref);
CREATE INDEX ix_recovery_codes_user_ref ON public.recovery_codes USING btree (user_ref);
CREATE INDEX ix_routing_profiles_subscriber_ref ON public.routing_profiles USING btree (subscriber_ref);
CREATE UNIQUE INDEX ix_second_factors_operator_user_ref ON public.second_factors USING btree (operator_user_ref);
CREATE UNIQUE INDEX ix_second_factors_user_ref ON public.second_factors USING btree (user_ref);
CREATE INDEX ix_sessions_expires_at ON public.sessions USING btree (expires_at);
CREATE INDEX ix_sessions_operator_user_ref ON public.sessions USING btree (operator_user_ref);
CREATE INDEX ix_sessions_user_ref ON public.sessions USING btree (user_ref);
CREATE INDEX ix_tokens_expires_at ON public.tokens USING btree (expires_at);
CREATE INDEX ix_users_email ON public.users USING btree (email);
CREATE INDEX ix_users_subscriber_ref ON public.users USING btree (subscriber_ref);
CREATE TRIGGER devices_counted_on_delete AFTER DELETE ON public.devices REFERENCING OLD TABLE AS old_devices FOR EACH STATEMENT EXECUTE FUNCTION public.devices_counted_on_delete();
CREATE TRIGGER devices_counted_on_insert AFTER INSERT ON public.devices REFERENCING NEW TABLE AS new_devices FOR EACH STATEMENT EXECUTE FUNCTION public.devices_counted_on_insert();
CREATE TRIGGER devices_counted_on_update AFTER UPDATE ON public.devices REFERENCING OLD TABLE AS old_devices NEW TABLE AS new_devices FOR EACH STATEMENT EXECUTE FUNCTION public.devices_counted_on_update();
ALTER TABLE ONLY public.alarm_comments
    ADD CONSTRAINT fk_alarm_comments_alarm_ref FOREIGN KEY (alarm_ref) REFERENCES public.alarms(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT fk_api_keys_operator_user_ref FOREIGN KEY (operator_user_ref) REFERENCES public.operator_users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT fk_api_keys_user_ref FOREIGN KEY (user_ref) REFERENCES public.users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.as_transport_keys
    ADD CONSTRAINT fk_as_transport_keys_routing_profile_ref FOREIGN KEY (routing_profile_ref) REFERENCES public.routing_profiles(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.base_station_profiles
    ADD CONSTRAINT fk_base_station_profiles_operator_ref FOREIGN KEY (operator_ref) REFERENCES public.operators(ref);
ALTER TABLE ONLY public.base_station_tokens
    ADD CONSTRAINT fk_base_station_tokens_base_station_ref FOREIGN KEY (base_station_ref) REFERENCES public.base_stations(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.base_station_updates
    ADD CONSTRAINT fk_base_station_updates_base_station_ref FOREIGN KEY (base_station_ref) REFERENCES public.base_stations(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.base_stations
    ADD CONSTRAINT fk_base_stations_operator_ref FOREIGN KEY (operator_ref) REFERENCES public.operators(ref);
ALTER TABLE ONLY public.base_stations
    ADD CONSTRAINT fk_base_stations_profile_ref FOREIGN KEY (profile_ref) REFERENCES public.base_station_profiles(ref);
ALTER TABLE ONLY public.catalogue_codecs
    ADD CONSTRAINT fk_catalogue_codecs_maker_ref FOREIGN KEY (maker_ref) REFERENCES public.catalogue_makers(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.catalogue_makers
    ADD CONSTRAINT fk_catalogue_makers_operator_ref FOREIGN KEY (operator_ref) REFERENCES public.operators(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.catalogue_models
    ADD CONSTRAINT fk_catalogue_models_maker_ref FOREIGN KEY (maker_ref) REFERENCES public.catalogue_makers(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT fk_certificates_authority_ref FOREIGN KEY (authority_ref) REFERENCES public.authorities(ref);
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT fk_certificates_base_station_ref FOREIGN KEY (base_station_ref) REFERENCES public.base_stations(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.connectivity_plans
    ADD CONSTRAINT fk_connectivity_plans_operator_ref FOREIGN KEY (operator_ref) REFERENCES public.operators(ref);
ALTER TABLE ONLY public.cups_contacts
    ADD CONSTRAINT fk_cups_contacts_base_station_ref FOREIGN KEY (base_station_ref) REFERENCES public.base_stations(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.decoder_bindings
    ADD CONSTRAINT fk_decoder_bindings_decoder_ref FOREIGN KEY (decoder_ref) REFERENCES public.decoders(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.decoder_bindings
    ADD CONSTRAINT fk_decoder_bindings_profile_ref FOREIGN KEY (profile_ref) REFERENCES public.device_profiles(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.decoder_bindings
    ADD CONSTRAINT fk_decoder_bindings_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.decoders
    ADD CONSTRAINT fk_decoders_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.device_key_changes
    ADD CONSTRAINT fk_device_key_changes_device_ref FOREIGN KEY (device_ref) REFERENCES public.devices(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.device_order
    ADD CONSTRAINT fk_device_order_device_ref FOREIGN KEY (device_ref) REFERENCES public.devices(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.device_profiles
    ADD CONSTRAINT fk_device_profiles_operator_ref FOREIGN KEY (operator_ref) REFERENCES public.operators(ref);
ALTER TABLE ONLY public.device_states
    ADD CONSTRAINT fk_device_states_device_ref FOREIGN KEY (device_ref) REFERENCES public.devices(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.device_tags
    ADD CONSTRAINT fk_device_tags_device_ref FOREIGN KEY (device_ref) REFERENCES public.devices(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.device_tags
    ADD CONSTRAINT fk_device_tags_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.devices
    ADD CONSTRAINT fk_devices_hsm_group_ref FOREIGN KEY (hsm_group_ref) REFERENCES public.hsm_groups(ref);
ALTER TABLE ONLY public.devices
    ADD CONSTRAINT fk_devices_plan_ref FOREIGN KEY (plan_ref) REFERENCES public.connectivity_plans(ref);
ALTER TABLE ONLY public.devices
    ADD CONSTRAINT fk_devices_profile_ref FOREIGN KEY (profile_ref) REFERENCES public.device_profiles(ref);
ALTER TABLE ONLY public.devices
    ADD CONSTRAINT fk_devices_routing_profile_ref FOREIGN KEY (routing_profile_ref) REFERENCES public.routing_profiles(ref);
ALTER TABLE ONLY public.devices
    ADD CONSTRAINT fk_devices_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref);
ALTER TABLE ONLY public.exchange_keys
    ADD CONSTRAINT fk_exchange_keys_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.firmware
    ADD CONSTRAINT fk_firmware_operator_ref FOREIGN KEY (operator_ref) REFERENCES public.operators(ref);
ALTER TABLE ONLY public.firmware_signatures
    ADD CONSTRAINT fk_firmware_signatures_firmware_ref FOREIGN KEY (firmware_ref) REFERENCES public.firmware(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.hsm_groups
    ADD CONSTRAINT fk_hsm_groups_operator_ref FOREIGN KEY (operator_ref) REFERENCES public.operators(ref);
ALTER TABLE ONLY public.identities
    ADD CONSTRAINT fk_identities_operator_user_ref FOREIGN KEY (operator_user_ref) REFERENCES public.operator_users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.identities
    ADD CONSTRAINT fk_identities_user_ref FOREIGN KEY (user_ref) REFERENCES public.users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.imported_devices
    ADD CONSTRAINT fk_imported_devices_device_ref FOREIGN KEY (device_ref) REFERENCES public.devices(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.imported_devices
    ADD CONSTRAINT fk_imported_devices_import_ref FOREIGN KEY (import_ref) REFERENCES public.imports(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.imports
    ADD CONSTRAINT fk_imports_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT fk_invitations_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.operator_users
    ADD CONSTRAINT fk_operator_users_operator_ref FOREIGN KEY (operator_ref) REFERENCES public.operators(ref);
ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT fk_passkeys_operator_user_ref FOREIGN KEY (operator_user_ref) REFERENCES public.operator_users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT fk_passkeys_user_ref FOREIGN KEY (user_ref) REFERENCES public.users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.password_resets
    ADD CONSTRAINT fk_password_resets_operator_user_ref FOREIGN KEY (operator_user_ref) REFERENCES public.operator_users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.password_resets
    ADD CONSTRAINT fk_password_resets_user_ref FOREIGN KEY (user_ref) REFERENCES public.users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.plan_grants
    ADD CONSTRAINT fk_plan_grants_plan_ref FOREIGN KEY (plan_ref) REFERENCES public.connectivity_plans(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.plan_grants
    ADD CONSTRAINT fk_plan_grants_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.projects
    ADD CONSTRAINT fk_projects_user_ref FOREIGN KEY (user_ref) REFERENCES public.users(ref) ON DELETE SET NULL;
ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT fk_recovery_codes_operator_user_ref FOREIGN KEY (operator_user_ref) REFERENCES public.operator_users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT fk_recovery_codes_user_ref FOREIGN KEY (user_ref) REFERENCES public.users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.routes
    ADD CONSTRAINT fk_routes_routing_profile_ref FOREIGN KEY (routing_profile_ref) REFERENCES public.routing_profiles(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.routing_profiles
    ADD CONSTRAINT fk_routing_profiles_hsm_group_ref FOREIGN KEY (hsm_group_ref) REFERENCES public.hsm_groups(ref);
ALTER TABLE ONLY public.routing_profiles
    ADD CONSTRAINT fk_routing_profiles_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref);
ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT fk_second_factors_operator_user_ref FOREIGN KEY (operator_user_ref) REFERENCES public.operator_users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT fk_second_factors_user_ref FOREIGN KEY (user_ref) REFERENCES public.users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT fk_sessions_operator_user_ref FOREIGN KEY (operator_user_ref) REFERENCES public.operator_users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT fk_sessions_user_ref FOREIGN KEY (user_ref) REFERENCES public.users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.subscribers
    ADD CONSTRAINT fk_subscribers_operator_ref FOREIGN KEY (operator_ref) REFERENCES public.operators(ref);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT fk_tokens_project_ref FOREIGN KEY (project_ref) REFERENCES public.projects(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT fk_tokens_user_ref FOREIGN KEY (user_ref) REFERENCES public.users(ref) ON DELETE CASCADE;
ALTER TABLE ONLY public.users
    ADD CONSTRAINT fk_users_subscriber_ref FOREIGN KEY (subscriber_ref) REFERENCES public.subscribers(ref);
RESET search_path;
INSERT INTO alembic_version VALUES ('0039');
