CREATE TABLE alarm_comments (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	alarm_ref BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	author TEXT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT fk_alarm_comments_alarm_ref FOREIGN KEY(alarm_ref) REFERENCES alarms (ref) ON DELETE CASCADE
);
CREATE TABLE "alarm_history" (
	ref INTEGER NOT NULL, 
	device_ref BIGINT NOT NULL, 
	cleared_at BIGINT NOT NULL, 
	type INTEGER NOT NULL, 
	object TEXT NOT NULL, 
	state INTEGER NOT NULL, 
	occurrence INTEGER NOT NULL, 
	acked BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	acked_at BIGINT, 
	ack_author TEXT, 
	info1 TEXT, 
	info2 TEXT, 
	info3 TEXT, 
	info4 TEXT, 
	info5 TEXT, 
	CONSTRAINT pk_alarm_history PRIMARY KEY (ref AUTOINCREMENT)
);
CREATE TABLE alarms (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	device_ref BIGINT NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	type INTEGER NOT NULL, 
	object TEXT NOT NULL, 
	state INTEGER NOT NULL, 
	occurrence INTEGER NOT NULL, 
	acked BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	acked_at BIGINT, 
	ack_author TEXT, 
	info1 TEXT, 
	info2 TEXT, 
	info3 TEXT, 
	info4 TEXT, 
	info5 TEXT, frame_id BIGINT, cause TEXT, muted_until BIGINT, muted_by TEXT, assignee_ref BIGINT, 
	CONSTRAINT uq_alarms_device_ref_type_object UNIQUE (device_ref, type, object)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE api_keys (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	user_ref BIGINT, 
	operator_user_ref BIGINT, 
	name TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	beginning TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	used_at BIGINT, 
	CONSTRAINT uq_api_keys_digest UNIQUE (digest), 
	CONSTRAINT fk_api_keys_user_ref FOREIGN KEY(user_ref) REFERENCES users (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_api_keys_operator_user_ref FOREIGN KEY(operator_user_ref) REFERENCES operator_users (ref) ON DELETE CASCADE
);
CREATE TABLE as_transport_keys (
	routing_profile_ref BIGINT NOT NULL, 
	vault TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	CONSTRAINT pk_as_transport_keys PRIMARY KEY (routing_profile_ref, vault), 
	CONSTRAINT fk_as_transport_keys_routing_profile_ref FOREIGN KEY(routing_profile_ref) REFERENCES routing_profiles (ref) ON DELETE CASCADE
);
CREATE TABLE audit (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	actor TEXT NOT NULL, 
	subscriber_ref BIGINT, 
	action TEXT NOT NULL, 
	object TEXT NOT NULL, 
	details TEXT NOT NULL
, operator_ref BIGINT, device_ref BIGINT);
CREATE TABLE authorities (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	certificate BLOB NOT NULL, 
	sealed_key BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL
);
CREATE TABLE base_station_alarms (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	base_station BIGINT NOT NULL, 
	type INTEGER NOT NULL, 
	object TEXT NOT NULL, 
	state INTEGER NOT NULL, 
	occurrence INTEGER NOT NULL, 
	acked BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	acked_at BIGINT, 
	ack_author TEXT, 
	info1 TEXT, 
	info2 TEXT, 
	info3 TEXT, 
	info4 TEXT, 
	info5 TEXT, 
	CONSTRAINT uq_base_station_alarms_base_station_type_object UNIQUE (base_station, type, object)
);
CREATE TABLE base_station_hours (
	base_station BIGINT NOT NULL, 
	hour BIGINT NOT NULL, 
	observed BIGINT NOT NULL, 
	down BIGINT NOT NULL, 
	measures BLOB NOT NULL, 
	CONSTRAINT pk_base_station_hours PRIMARY KEY (base_station, hour)
)
 WITHOUT ROWID

;
CREATE TABLE base_station_outages (
	base_station BIGINT NOT NULL, 
	began_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_base_station_outages PRIMARY KEY (base_station, began_at)
)
 WITHOUT ROWID

;
CREATE TABLE base_station_profiles (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	operator_ref BIGINT NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	CONSTRAINT uq_base_station_profiles_operator_ref_id UNIQUE (operator_ref, id), 
	CONSTRAINT fk_base_station_profiles_operator_ref FOREIGN KEY(operator_ref) REFERENCES operators (ref)
);
CREATE TABLE base_station_tags (
	base_station_ref INTEGER NOT NULL, 
	tag TEXT NOT NULL, 
	CONSTRAINT pk_base_station_tags PRIMARY KEY (base_station_ref, tag), 
	CONSTRAINT fk_base_station_tags_base_station_ref FOREIGN KEY(base_station_ref) REFERENCES base_stations (ref) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE base_station_tokens (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	base_station_ref BIGINT NOT NULL, 
	digest BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	CONSTRAINT fk_base_station_tokens_base_station_ref FOREIGN KEY(base_station_ref) REFERENCES base_stations (ref) ON DELETE CASCADE, 
	CONSTRAINT uq_base_station_tokens_digest UNIQUE (digest)
);
CREATE TABLE base_station_updates (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	base_station_ref BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	value TEXT NOT NULL, 
	sealed BLOB, 
	token_ref BIGINT, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	fetched_at BIGINT, 
	confirmed_at BIGINT, certificate_ref BIGINT, firmware_ref BIGINT, attempts INTEGER DEFAULT '0' NOT NULL, failed_at BIGINT, 
	CONSTRAINT fk_base_station_updates_base_station_ref FOREIGN KEY(base_station_ref) REFERENCES base_stations (ref) ON DELETE CASCADE, 
	CONSTRAINT uq_base_station_updates_base_station_ref_kind UNIQUE (base_station_ref, kind)
);
CREATE TABLE base_station_worth (
	operator_ref BIGINT NOT NULL, 
	base_station BIGINT NOT NULL, 
	computed_at BIGINT NOT NULL, 
	devices BIGINT NOT NULL, 
	only BIGINT NOT NULL, 
	weak BIGINT NOT NULL, 
	best BIGINT NOT NULL, 
	improved BIGINT NOT NULL, 
	CONSTRAINT pk_base_station_worth PRIMARY KEY (operator_ref, base_station)
)
 WITHOUT ROWID

;
CREATE TABLE "base_stations" (
	ref INTEGER NOT NULL, 
	operator_ref INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	gateway_eui TEXT NOT NULL, 
	name TEXT NOT NULL, 
	latitude FLOAT, 
	longitude FLOAT, 
	altitude FLOAT, 
	last_seen_at BIGINT, max_tx_power INTEGER, antenna_gain FLOAT, refused_frames BIGINT DEFAULT '0' NOT NULL, last_refusal TEXT, last_refusal_at BIGINT, irregular_frames BIGINT DEFAULT '0' NOT NULL, last_irregularity TEXT, last_irregularity_at BIGINT, duplicate_addresses TEXT, clock_error FLOAT, downlink_host TEXT, downlink_port INTEGER, downlink_version INTEGER, downlink_heard_at BIGINT, profile_ref BIGINT REFERENCES base_station_profiles (ref), 
	CONSTRAINT pk_base_stations PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT fk_base_stations_operator_ref FOREIGN KEY(operator_ref) REFERENCES operators (ref), 
	CONSTRAINT uq_base_stations_gateway_eui UNIQUE (gateway_eui), 
	CONSTRAINT uq_base_stations_id UNIQUE (id)
);
CREATE TABLE branding (
	ref INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	colour TEXT NOT NULL, 
	logo BLOB, 
	logo_type TEXT, 
	CONSTRAINT pk_branding PRIMARY KEY (ref)
);
CREATE TABLE campaign_devices (
	campaign_ref INTEGER NOT NULL, 
	device_ref INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT, 
	sent INTEGER DEFAULT '0' NOT NULL, 
	target INTEGER DEFAULT '0' NOT NULL, 
	missing INTEGER, 
	tries INTEGER DEFAULT '0' NOT NULL, 
	rounds INTEGER DEFAULT '0' NOT NULL, 
	held BOOLEAN DEFAULT '0' NOT NULL, 
	due_at BIGINT, 
	changed_at BIGINT NOT NULL, session INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_campaign_devices PRIMARY KEY (campaign_ref, device_ref), 
	CONSTRAINT fk_campaign_devices_campaign_ref FOREIGN KEY(campaign_ref) REFERENCES campaigns (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_campaign_devices_device_ref FOREIGN KEY(device_ref) REFERENCES devices (ref) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE campaign_events (
	id BIGINT NOT NULL, 
	device_ref BIGINT NOT NULL, 
	fport INTEGER, 
	payload BLOB, 
	waiting INTEGER, 
	base_station BIGINT, 
	airtime INTEGER, 
	CONSTRAINT pk_campaign_events PRIMARY KEY (id)
);
CREATE TABLE campaign_sessions (
	campaign_ref INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	starts_at BIGINT NOT NULL, 
	ends_at BIGINT NOT NULL, 
	timeout INTEGER NOT NULL, 
	first INTEGER NOT NULL, 
	last INTEGER NOT NULL, 
	sent INTEGER NOT NULL, 
	spacing BIGINT NOT NULL, 
	CONSTRAINT pk_campaign_sessions PRIMARY KEY (campaign_ref, number), 
	CONSTRAINT fk_campaign_sessions_campaign_ref FOREIGN KEY(campaign_ref) REFERENCES campaigns (ref) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE campaigns (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscriber_ref BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	starts_at BIGINT NOT NULL, 
	ends_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	options TEXT NOT NULL, 
	size BIGINT NOT NULL, 
	digest BLOB NOT NULL, 
	content BLOB NOT NULL, group_ref BIGINT, failure TEXT, failed_at BIGINT, failures INTEGER DEFAULT '0' NOT NULL, retry_at BIGINT, 
	CONSTRAINT fk_campaigns_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref)
);
CREATE TABLE catalogue_codecs (
	maker_ref BIGINT NOT NULL, 
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	source TEXT NOT NULL, 
	CONSTRAINT pk_catalogue_codecs PRIMARY KEY (maker_ref, id), 
	CONSTRAINT fk_catalogue_codecs_maker_ref FOREIGN KEY(maker_ref) REFERENCES catalogue_makers (ref) ON DELETE CASCADE
);
CREATE TABLE catalogue_makers (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	operator_ref BIGINT NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	website TEXT NOT NULL, 
	number INTEGER, 
	profile_numbers TEXT NOT NULL, 
	imported_at BIGINT NOT NULL, 
	CONSTRAINT uq_catalogue_makers_operator_ref_id UNIQUE (operator_ref, id), 
	CONSTRAINT fk_catalogue_makers_operator_ref FOREIGN KEY(operator_ref) REFERENCES operators (ref) ON DELETE CASCADE
);
CREATE TABLE catalogue_models (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	maker_ref BIGINT NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT NOT NULL, 
	search TEXT NOT NULL, 
	variants TEXT NOT NULL, 
	CONSTRAINT uq_catalogue_models_maker_ref_id UNIQUE (maker_ref, id), 
	CONSTRAINT fk_catalogue_models_maker_ref FOREIGN KEY(maker_ref) REFERENCES catalogue_makers (ref) ON DELETE CASCADE
);
CREATE TABLE certificates (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	authority_ref BIGINT NOT NULL, 
	base_station_ref BIGINT, 
	serial TEXT NOT NULL, 
	name TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	revoked_at BIGINT, 
	revoked_by TEXT, 
	CONSTRAINT fk_certificates_authority_ref FOREIGN KEY(authority_ref) REFERENCES authorities (ref), 
	CONSTRAINT fk_certificates_base_station_ref FOREIGN KEY(base_station_ref) REFERENCES base_stations (ref) ON DELETE CASCADE, 
	CONSTRAINT uq_certificates_serial UNIQUE (serial)
);
CREATE TABLE changes (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind TEXT NOT NULL, 
	ref BIGINT NOT NULL, 
	at BIGINT NOT NULL
, txn BIGINT DEFAULT '0' NOT NULL);
CREATE TABLE connection_states (
	connection_ref INTEGER NOT NULL, 
	node TEXT NOT NULL, 
	status TEXT NOT NULL, 
	reason TEXT, 
	since BIGINT NOT NULL, 
	delivered BIGINT NOT NULL, 
	failed BIGINT NOT NULL, 
	received BIGINT NOT NULL, 
	delivered_at BIGINT, 
	updated_at BIGINT NOT NULL, 
	CONSTRAINT pk_connection_states PRIMARY KEY (connection_ref, node), 
	CONSTRAINT fk_connection_states_connection_ref FOREIGN KEY(connection_ref) REFERENCES connections (ref) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE connections (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscriber_ref INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	active BOOLEAN NOT NULL, 
	settings TEXT NOT NULL, 
	sealed_secrets BLOB, 
	hidden TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	updated_by TEXT NOT NULL, 
	CONSTRAINT fk_connections_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE
);
CREATE TABLE "connectivity_plans" (
	ref INTEGER NOT NULL, 
	operator_ref INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	communication_type TEXT NOT NULL, 
	settings TEXT NOT NULL, suspended BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_connectivity_plans PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT fk_connectivity_plans_operator_ref FOREIGN KEY(operator_ref) REFERENCES operators (ref), 
	CONSTRAINT uq_connectivity_plans_operator_ref_id UNIQUE (operator_ref, id)
);
CREATE TABLE coverage (
	subscriber_ref BIGINT NOT NULL, 
	level INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	col INTEGER NOT NULL, 
	base_station BIGINT NOT NULL, 
	frames BIGINT NOT NULL, 
	esp FLOAT NOT NULL, 
	last_at BIGINT NOT NULL, 
	CONSTRAINT pk_coverage PRIMARY KEY (subscriber_ref, level, "row", col, base_station)
)
 WITHOUT ROWID

;
CREATE TABLE coverage_reports (
	operator_ref BIGINT NOT NULL, 
	begin_at BIGINT NOT NULL, 
	made_at BIGINT NOT NULL, 
	mailed_at BIGINT, 
	body BLOB NOT NULL, mailed_to TEXT DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_coverage_reports PRIMARY KEY (operator_ref, begin_at)
);
CREATE TABLE cups_contacts (
	base_station_ref INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	station TEXT, 
	model TEXT, 
	package TEXT, 
	cups_uri TEXT, 
	lns_uri TEXT, 
	cups_sum BIGINT NOT NULL, 
	lns_sum BIGINT NOT NULL, 
	keys TEXT NOT NULL, 
	proof TEXT NOT NULL, 
	CONSTRAINT pk_cups_contacts PRIMARY KEY (base_station_ref), 
	CONSTRAINT fk_cups_contacts_base_station_ref FOREIGN KEY(base_station_ref) REFERENCES base_stations (ref) ON DELETE CASCADE
);
CREATE TABLE decoder_bindings (
	subscriber_ref BIGINT NOT NULL, 
	profile_ref BIGINT NOT NULL, 
	decoder_ref BIGINT NOT NULL, 
	CONSTRAINT pk_decoder_bindings PRIMARY KEY (subscriber_ref, profile_ref), 
	CONSTRAINT fk_decoder_bindings_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_decoder_bindings_profile_ref FOREIGN KEY(profile_ref) REFERENCES device_profiles (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_decoder_bindings_decoder_ref FOREIGN KEY(decoder_ref) REFERENCES decoders (ref) ON DELETE CASCADE
);
CREATE TABLE decoders (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscriber_ref BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	source TEXT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	updated_by TEXT NOT NULL, units TEXT DEFAULT '{}' NOT NULL, 
	CONSTRAINT fk_decoders_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE
);
CREATE TABLE deliveries (
	id INTEGER NOT NULL, 
	frame_id BIGINT NOT NULL, 
	device_ref BIGINT NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	queue TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	state INTEGER NOT NULL, 
	last_error TEXT, 
	message BLOB NOT NULL, attempts INTEGER DEFAULT '0' NOT NULL, last_attempt_at BIGINT, next_attempt_at BIGINT, address TEXT, reason TEXT, 
	CONSTRAINT pk_deliveries PRIMARY KEY (id)
);
CREATE TABLE delivery_results (
	frame_id BIGINT NOT NULL, 
	delivery_id BIGINT NOT NULL, 
	result BLOB NOT NULL, 
	CONSTRAINT pk_delivery_results PRIMARY KEY (frame_id, delivery_id)
)
 WITHOUT ROWID

;
CREATE TABLE device_areas (
	subscriber_ref BIGINT NOT NULL, 
	"row" INTEGER NOT NULL, 
	col INTEGER NOT NULL, 
	health INTEGER NOT NULL, 
	alarm INTEGER NOT NULL, 
	plan_ref BIGINT NOT NULL, 
	profile_ref BIGINT NOT NULL, 
	routing_profile_ref BIGINT NOT NULL, 
	part BIGINT DEFAULT '0' NOT NULL, 
	devices BIGINT NOT NULL, 
	CONSTRAINT pk_device_areas PRIMARY KEY (subscriber_ref, "row", col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part)
)
 WITHOUT ROWID

;
CREATE TABLE device_cells (
	subscriber_ref BIGINT NOT NULL, 
	"row" INTEGER NOT NULL, 
	col INTEGER NOT NULL, 
	health INTEGER NOT NULL, 
	alarm INTEGER NOT NULL, 
	plan_ref BIGINT NOT NULL, 
	profile_ref BIGINT NOT NULL, 
	routing_profile_ref BIGINT NOT NULL, 
	part BIGINT DEFAULT '0' NOT NULL, 
	devices BIGINT NOT NULL, 
	CONSTRAINT pk_device_cells PRIMARY KEY (subscriber_ref, "row", col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part)
)
 WITHOUT ROWID

;
CREATE TABLE device_counts (
	subscriber_ref BIGINT NOT NULL, 
	block BIGINT NOT NULL, 
	health INTEGER NOT NULL, 
	alarm INTEGER NOT NULL, 
	part BIGINT DEFAULT '0' NOT NULL, 
	devices BIGINT NOT NULL, 
	CONSTRAINT pk_device_counts PRIMARY KEY (subscriber_ref, block, health, alarm, part)
)
 WITHOUT ROWID

;
CREATE TABLE device_key_changes (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	device_ref BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	actor TEXT NOT NULL, 
	keys TEXT NOT NULL, 
	session_reset BOOLEAN NOT NULL, 
	CONSTRAINT fk_device_key_changes_device_ref FOREIGN KEY(device_ref) REFERENCES devices (ref) ON DELETE CASCADE
);
CREATE TABLE device_list_counts (
	list INTEGER NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	block BIGINT NOT NULL, 
	health INTEGER NOT NULL, 
	part BIGINT DEFAULT '0' NOT NULL, 
	devices BIGINT NOT NULL, 
	CONSTRAINT pk_device_list_counts PRIMARY KEY (list, subscriber_ref, block, health, part)
)
 WITHOUT ROWID

;
CREATE VIRTUAL TABLE device_name_trigrams USING fts5vocab('device_names', 'instance');
CREATE VIRTUAL TABLE device_names USING fts5(name, eui, content='', detail=none, columnsize=0, tokenize='trigram');
CREATE TABLE device_number_bounds (
	list INTEGER NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	"key" BIGINT NOT NULL, 
	device_ref BIGINT NOT NULL, 
	block BIGINT NOT NULL, 
	CONSTRAINT pk_device_number_bounds PRIMARY KEY (list, subscriber_ref, "key", device_ref)
)
 WITHOUT ROWID

;
CREATE TABLE device_order (
	device_ref INTEGER NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	heard_hour INTEGER NOT NULL, 
	lost_percent INTEGER NOT NULL, 
	CONSTRAINT pk_device_order PRIMARY KEY (device_ref), 
	CONSTRAINT fk_device_order_device_ref FOREIGN KEY(device_ref) REFERENCES devices (ref) ON DELETE CASCADE
);
CREATE TABLE "device_profiles" (
	ref INTEGER NOT NULL, 
	operator_ref INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	type_mac TEXT NOT NULL, 
	settings TEXT NOT NULL, suspended BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_device_profiles PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT fk_device_profiles_operator_ref FOREIGN KEY(operator_ref) REFERENCES operators (ref), 
	CONSTRAINT uq_device_profiles_operator_ref_id UNIQUE (operator_ref, id)
);
CREATE TABLE device_states (
	device_ref INTEGER NOT NULL, 
	dev_addr BIGINT, 
	pending_dev_addr BIGINT, 
	state BLOB, 
	join_memory BLOB, unsolicited INTEGER, current_class TEXT, monitoring BLOB, check_at BIGINT, network_location BLOB, 
	CONSTRAINT pk_device_states PRIMARY KEY (device_ref), 
	CONSTRAINT fk_device_states_device_ref FOREIGN KEY(device_ref) REFERENCES devices (ref) ON DELETE CASCADE
);
CREATE TABLE device_tags (
	subscriber_ref BIGINT NOT NULL, 
	tag TEXT NOT NULL, 
	device_ref BIGINT NOT NULL, name TEXT DEFAULT '' NOT NULL, dev_eui TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_device_tags PRIMARY KEY (subscriber_ref, tag, device_ref), 
	CONSTRAINT fk_device_tags_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_device_tags_device_ref FOREIGN KEY(device_ref) REFERENCES devices (ref) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE device_text_bounds (
	list INTEGER NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	"key" TEXT NOT NULL, 
	dev_eui TEXT NOT NULL, 
	block BIGINT NOT NULL, 
	CONSTRAINT pk_device_text_bounds PRIMARY KEY (list, subscriber_ref, "key", dev_eui)
)
 WITHOUT ROWID

;
CREATE TABLE devices (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscriber_ref INTEGER NOT NULL, 
	dev_eui TEXT NOT NULL, 
	join_eui TEXT, 
	name TEXT NOT NULL, 
	activation_type TEXT NOT NULL, 
	device_class TEXT NOT NULL, 
	profile_ref INTEGER NOT NULL, 
	plan_ref INTEGER, 
	routing_profile_ref INTEGER, 
	processing_strategy TEXT, 
	hsm_group_ref INTEGER, 
	sealed_app_key BLOB, 
	motion_indicator TEXT, 
	latitude FLOAT, 
	longitude FLOAT, 
	details TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	updated_by TEXT NOT NULL, sealed_nwk_key BLOB, health INTEGER DEFAULT '0' NOT NULL, partition INTEGER DEFAULT '0' NOT NULL, sealed_gen_app_key BLOB, alarm INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT fk_devices_hsm_group_ref FOREIGN KEY(hsm_group_ref) REFERENCES hsm_groups (ref), 
	CONSTRAINT fk_devices_plan_ref FOREIGN KEY(plan_ref) REFERENCES connectivity_plans (ref), 
	CONSTRAINT fk_devices_profile_ref FOREIGN KEY(profile_ref) REFERENCES device_profiles (ref), 
	CONSTRAINT fk_devices_routing_profile_ref FOREIGN KEY(routing_profile_ref) REFERENCES routing_profiles (ref), 
	CONSTRAINT fk_devices_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref), 
	CONSTRAINT uq_devices_dev_eui UNIQUE (dev_eui)
);
CREATE TABLE downlinks (
	id INTEGER NOT NULL, 
	device_ref BIGINT NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	state INTEGER NOT NULL, 
	submitted_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	fport INTEGER NOT NULL, 
	size INTEGER NOT NULL, 
	payload BLOB, 
	confirmed BOOLEAN NOT NULL, 
	fcnt BIGINT, 
	priority INTEGER NOT NULL, 
	after_join BOOLEAN NOT NULL, 
	expires_at BIGINT, 
	correlation_id TEXT, 
	sending_at BIGINT, 
	sent_at BIGINT, 
	frame_id BIGINT, 
	base_station BIGINT, 
	slot INTEGER, 
	causes TEXT, 
	reason TEXT, 
	answered_at BIGINT, 
	answer_frame_id BIGINT, 
	CONSTRAINT pk_downlinks PRIMARY KEY (id)
);
CREATE TABLE "exchange_keys" (
	ref INTEGER NOT NULL, 
	vault TEXT NOT NULL, 
	form TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	public_key TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	subscriber_ref BIGINT, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_exchange_keys PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT uq_exchange_keys_vault_form_version UNIQUE (vault, form, version), 
	CONSTRAINT fk_exchange_keys_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE
);
CREATE TABLE firmware (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	operator_ref BIGINT NOT NULL, 
	model TEXT NOT NULL, 
	version TEXT NOT NULL, 
	size BIGINT NOT NULL, 
	digest BLOB NOT NULL, 
	complete BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	CONSTRAINT fk_firmware_operator_ref FOREIGN KEY(operator_ref) REFERENCES operators (ref)
);
CREATE TABLE firmware_parts (
	firmware_ref BIGINT NOT NULL, 
	number INTEGER NOT NULL, 
	content BLOB NOT NULL, 
	CONSTRAINT pk_firmware_parts PRIMARY KEY (firmware_ref, number)
);
CREATE TABLE firmware_signatures (
	firmware_ref BIGINT NOT NULL, 
	key_sum BIGINT NOT NULL, 
	signature BLOB NOT NULL, 
	CONSTRAINT pk_firmware_signatures PRIMARY KEY (firmware_ref, key_sum), 
	CONSTRAINT fk_firmware_signatures_firmware_ref FOREIGN KEY(firmware_ref) REFERENCES firmware (ref) ON DELETE CASCADE
);
CREATE TABLE flow_connections (
	flow_ref INTEGER NOT NULL, 
	connection_ref INTEGER NOT NULL, 
	CONSTRAINT pk_flow_connections PRIMARY KEY (flow_ref, connection_ref), 
	CONSTRAINT fk_flow_connections_flow_ref FOREIGN KEY(flow_ref) REFERENCES flows (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_flow_connections_connection_ref FOREIGN KEY(connection_ref) REFERENCES connections (ref) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE flows (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscriber_ref INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	active BOOLEAN NOT NULL, 
	settings TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	updated_by TEXT NOT NULL, 
	CONSTRAINT fk_flows_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE
);
CREATE TABLE found_places (
	device_ref INTEGER NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	latitude FLOAT NOT NULL, 
	longitude FLOAT NOT NULL, 
	radius FLOAT NOT NULL, 
	CONSTRAINT pk_found_places PRIMARY KEY (device_ref), 
	CONSTRAINT fk_found_places_device_ref_devices FOREIGN KEY(device_ref) REFERENCES devices (ref) ON DELETE CASCADE
);
CREATE TABLE frame_bodies (
	frame_id BIGINT NOT NULL, 
	part INTEGER NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_frame_bodies PRIMARY KEY (frame_id, part)
)
 WITHOUT ROWID

;
CREATE TABLE frames (
	id BIGINT NOT NULL, 
	device_ref BIGINT NOT NULL, 
	kind INTEGER NOT NULL, 
	outcome TEXT NOT NULL, 
	fcnt BIGINT, 
	fport INTEGER, 
	size INTEGER NOT NULL, 
	rssi INTEGER, 
	snr INTEGER, 
	data_rate INTEGER, 
	base_station BIGINT, 
	copies INTEGER NOT NULL, 
	at BIGINT, 
	flags INTEGER DEFAULT '0' NOT NULL, 
	gap INTEGER, 
	airtime INTEGER, 
	sf INTEGER, 
	heard BLOB, 
	subscriber_ref BIGINT, 
	plan_ref BIGINT, 
	battery INTEGER, 
	margin INTEGER, 
	CONSTRAINT pk_frames PRIMARY KEY (device_ref, id)
)
 WITHOUT ROWID

;
CREATE TABLE geofences (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscriber_ref BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	watched TEXT NOT NULL, 
	level INTEGER NOT NULL, 
	tag TEXT, 
	shape TEXT NOT NULL, 
	drawn_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	updated_by TEXT NOT NULL, 
	CONSTRAINT fk_geofences_subscriber_ref_subscribers FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE
);
CREATE TABLE hearing (
	device_ref BIGINT NOT NULL, 
	base_station BIGINT NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	frames BIGINT NOT NULL, 
	weight FLOAT NOT NULL, 
	margin FLOAT, 
	last_at BIGINT NOT NULL, 
	CONSTRAINT pk_hearing PRIMARY KEY (device_ref, base_station)
)
 WITHOUT ROWID

;
CREATE TABLE hourly_statistics (
	scope INTEGER NOT NULL, 
	scope_ref BIGINT NOT NULL, 
	hour INTEGER NOT NULL, 
	uplinks BIGINT NOT NULL, 
	uplinks_late BIGINT NOT NULL, 
	uplink_bytes BIGINT NOT NULL, 
	late_bytes BIGINT NOT NULL, 
	lost BIGINT NOT NULL, 
	rssi BIGINT NOT NULL, 
	snr BIGINT NOT NULL, 
	esp BIGINT NOT NULL, 
	per BIGINT NOT NULL, 
	uplink_airtime BIGINT NOT NULL, 
	sf7 BIGINT NOT NULL, 
	sf8 BIGINT NOT NULL, 
	sf9 BIGINT NOT NULL, 
	sf10 BIGINT NOT NULL, 
	sf11 BIGINT NOT NULL, 
	sf12 BIGINT NOT NULL, 
	sf_other BIGINT NOT NULL, 
	uplinks_over BIGINT NOT NULL, 
	downlinks_sent BIGINT NOT NULL, 
	downlinks_failed BIGINT NOT NULL, 
	sent_bytes BIGINT NOT NULL, 
	failed_bytes BIGINT NOT NULL, 
	downlink_airtime BIGINT NOT NULL, 
	downlinks_over BIGINT NOT NULL, 
	joins BIGINT NOT NULL, 
	joins_refused BIGINT NOT NULL, 
	refused BIGINT NOT NULL, unmeasured BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_hourly_statistics PRIMARY KEY (scope, scope_ref, hour)
)
 WITHOUT ROWID

;
CREATE TABLE "hsm_groups" (
	ref INTEGER NOT NULL, 
	operator_ref INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, vault TEXT DEFAULT '' NOT NULL, suspended BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_hsm_groups PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT fk_hsm_groups_operator_ref FOREIGN KEY(operator_ref) REFERENCES operators (ref), 
	CONSTRAINT uq_hsm_groups_operator_ref_id UNIQUE (operator_ref, id)
);
CREATE TABLE id_marks (
	process INTEGER NOT NULL, 
	last_id BIGINT NOT NULL, 
	CONSTRAINT pk_id_marks PRIMARY KEY (process)
);
CREATE TABLE id_steps (
	first_id BIGINT NOT NULL, 
	ahead BIGINT NOT NULL, 
	CONSTRAINT pk_id_steps PRIMARY KEY (first_id)
);
CREATE TABLE identities (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	user_ref BIGINT, 
	operator_user_ref BIGINT, 
	issuer TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	shown TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT uq_identities_issuer_subject UNIQUE (issuer, subject), 
	CONSTRAINT fk_identities_user_ref FOREIGN KEY(user_ref) REFERENCES users (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_identities_operator_user_ref FOREIGN KEY(operator_user_ref) REFERENCES operator_users (ref) ON DELETE CASCADE
);
CREATE TABLE imported_devices (
	import_ref BIGINT NOT NULL, 
	device_ref BIGINT NOT NULL, 
	CONSTRAINT pk_imported_devices PRIMARY KEY (import_ref, device_ref), 
	CONSTRAINT fk_imported_devices_import_ref FOREIGN KEY(import_ref) REFERENCES imports (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_imported_devices_device_ref FOREIGN KEY(device_ref) REFERENCES devices (ref) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE imported_things (
	import_ref BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	id TEXT NOT NULL, 
	CONSTRAINT pk_imported_things PRIMARY KEY (import_ref, kind, id), 
	CONSTRAINT fk_imported_things_import_ref FOREIGN KEY(import_ref) REFERENCES imports (ref) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE imports (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscriber_ref BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	name TEXT NOT NULL, 
	undone_at BIGINT, 
	CONSTRAINT fk_imports_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE
);
CREATE TABLE invitations (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscriber_ref BIGINT NOT NULL, 
	email TEXT NOT NULL, 
	role TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	invited_by TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT fk_invitations_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE, 
	CONSTRAINT uq_invitations_digest UNIQUE (digest)
);
CREATE TABLE leases (
	partition INTEGER NOT NULL, 
	epoch BIGINT NOT NULL, 
	owner TEXT NOT NULL, process INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (partition)
);
CREATE TABLE locations (
	device_ref BIGINT NOT NULL, 
	id BIGINT NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	latitude FLOAT NOT NULL, 
	longitude FLOAT NOT NULL, 
	altitude FLOAT NOT NULL, 
	radius FLOAT NOT NULL, 
	dilution FLOAT NOT NULL, 
	north FLOAT NOT NULL, 
	east FLOAT NOT NULL, 
	requested INTEGER NOT NULL, 
	used INTEGER NOT NULL, 
	fcnt BIGINT NOT NULL, 
	base_stations INTEGER NOT NULL, 
	CONSTRAINT pk_locations PRIMARY KEY (device_ref, id)
)
 WITHOUT ROWID

;
CREATE TABLE module_alarms (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	module TEXT NOT NULL, 
	type INTEGER NOT NULL, 
	object TEXT NOT NULL, 
	state INTEGER NOT NULL, 
	occurrence INTEGER NOT NULL, 
	acked BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	acked_at BIGINT, 
	ack_author TEXT, 
	info1 TEXT, 
	info2 TEXT, 
	info3 TEXT, 
	info4 TEXT, 
	info5 TEXT, 
	CONSTRAINT uq_module_alarms_module_type_object UNIQUE (module, type, object)
);
CREATE TABLE multicast_frames (
	id INTEGER NOT NULL, 
	group_ref BIGINT NOT NULL, 
	subscriber_ref BIGINT NOT NULL, 
	state INTEGER NOT NULL, 
	submitted_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	fport INTEGER NOT NULL, 
	size INTEGER NOT NULL, 
	fcnt BIGINT, 
	correlation_id TEXT, 
	attempts INTEGER NOT NULL, 
	sent_at BIGINT, 
	stations INTEGER NOT NULL, 
	succeeded INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	causes TEXT NOT NULL, 
	results BLOB, 
	reason TEXT, 
	CONSTRAINT pk_multicast_frames PRIMARY KEY (id)
);
CREATE TABLE multicast_groups (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscriber_ref INTEGER NOT NULL, 
	dev_eui TEXT NOT NULL, 
	dev_addr BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	group_class TEXT NOT NULL, 
	ping_period INTEGER, 
	frequency BIGINT, 
	data_rate INTEGER, 
	region TEXT NOT NULL, 
	plan_ref INTEGER, 
	routing_profile_ref INTEGER, 
	hsm_group_ref INTEGER, 
	sealed_keys BLOB NOT NULL, 
	sealed_mc_key BLOB, 
	coverage TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	partition INTEGER NOT NULL, 
	state BLOB, 
	busy INTEGER, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	updated_by TEXT NOT NULL, 
	CONSTRAINT uq_multicast_groups_dev_eui UNIQUE (dev_eui), 
	CONSTRAINT uq_multicast_groups_dev_addr UNIQUE (dev_addr), 
	CONSTRAINT fk_multicast_groups_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref), 
	CONSTRAINT fk_multicast_groups_plan_ref FOREIGN KEY(plan_ref) REFERENCES connectivity_plans (ref), 
	CONSTRAINT fk_multicast_groups_routing_profile_ref FOREIGN KEY(routing_profile_ref) REFERENCES routing_profiles (ref), 
	CONSTRAINT fk_multicast_groups_hsm_group_ref FOREIGN KEY(hsm_group_ref) REFERENCES hsm_groups (ref)
);
CREATE TABLE multicast_members (
	group_ref INTEGER NOT NULL, 
	device_ref INTEGER NOT NULL, 
	CONSTRAINT pk_multicast_members PRIMARY KEY (group_ref, device_ref), 
	CONSTRAINT fk_multicast_members_group_ref FOREIGN KEY(group_ref) REFERENCES multicast_groups (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_multicast_members_device_ref FOREIGN KEY(device_ref) REFERENCES devices (ref) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE nodes (
	name TEXT NOT NULL, 
	epoch BIGINT NOT NULL, 
	process INTEGER NOT NULL, 
	version TEXT NOT NULL, 
	roles TEXT NOT NULL, 
	addresses TEXT NOT NULL, 
	joined_at BIGINT NOT NULL, 
	beat_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	status TEXT DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_nodes PRIMARY KEY (name), 
	CONSTRAINT uq_nodes_process UNIQUE (process)
);
CREATE TABLE notification_settings (
	scope INTEGER NOT NULL, 
	scope_ref BIGINT NOT NULL, 
	settings TEXT NOT NULL, 
	sealed_secret BLOB, 
	CONSTRAINT pk_notification_settings PRIMARY KEY (scope, scope_ref)
);
CREATE TABLE notifications (
	id INTEGER NOT NULL, 
	scope INTEGER NOT NULL, 
	scope_ref BIGINT NOT NULL, 
	event BLOB NOT NULL, 
	CONSTRAINT pk_notifications PRIMARY KEY (id)
);
CREATE TABLE "operator_users" (
	ref INTEGER NOT NULL, 
	operator_ref BIGINT NOT NULL, 
	username TEXT NOT NULL, 
	password_hash TEXT NOT NULL, 
	display_name TEXT NOT NULL, 
	role TEXT NOT NULL, email TEXT, language TEXT, station_access BOOLEAN DEFAULT '0' NOT NULL, suspended BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_operator_users PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT uq_operator_users_username UNIQUE (username), 
	CONSTRAINT fk_operator_users_operator_ref FOREIGN KEY(operator_ref) REFERENCES operators (ref)
);
CREATE TABLE "operators" (
	ref INTEGER NOT NULL, 
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_operators PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT uq_operators_code UNIQUE (code)
);
CREATE TABLE passkeys (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	user_ref BIGINT, 
	operator_user_ref BIGINT, 
	credential_id BLOB NOT NULL, 
	public_key BLOB NOT NULL, 
	sign_count BIGINT NOT NULL, 
	handle BLOB NOT NULL, 
	name TEXT NOT NULL, 
	transports TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	used_at BIGINT, 
	copied BOOLEAN DEFAULT '0' NOT NULL, 
	CONSTRAINT fk_passkeys_user_ref FOREIGN KEY(user_ref) REFERENCES users (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_passkeys_operator_user_ref FOREIGN KEY(operator_user_ref) REFERENCES operator_users (ref) ON DELETE CASCADE, 
	CONSTRAINT uq_passkeys_credential_id UNIQUE (credential_id)
);
CREATE TABLE password_resets (
	digest BLOB NOT NULL, 
	user_ref BIGINT, 
	operator_user_ref BIGINT, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_password_resets PRIMARY KEY (digest), 
	CONSTRAINT fk_password_resets_user_ref FOREIGN KEY(user_ref) REFERENCES users (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_password_resets_operator_user_ref FOREIGN KEY(operator_user_ref) REFERENCES operator_users (ref) ON DELETE CASCADE
);
CREATE TABLE plan_grants (
	subscriber_ref INTEGER NOT NULL, 
	plan_ref INTEGER NOT NULL, 
	granted INTEGER NOT NULL, 
	used INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_plan_grants PRIMARY KEY (subscriber_ref, plan_ref), 
	CONSTRAINT fk_plan_grants_plan_ref FOREIGN KEY(plan_ref) REFERENCES connectivity_plans (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_plan_grants_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref) ON DELETE CASCADE
);
CREATE TABLE preferences (
	account TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_preferences PRIMARY KEY (account)
);
CREATE TABLE "projects" (
	ref INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	secret_hash TEXT NOT NULL, 
	user_ref INTEGER, 
	activated_at BIGINT, subscriber_ref BIGINT, 
	CONSTRAINT pk_projects PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT fk_projects_user_ref FOREIGN KEY(user_ref) REFERENCES users (ref) ON DELETE SET NULL, 
	CONSTRAINT uq_projects_client_id UNIQUE (client_id)
);
CREATE TABLE properties (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_properties PRIMARY KEY (name)
);
CREATE TABLE recovery_codes (
	digest BLOB NOT NULL, 
	user_ref BIGINT, 
	operator_user_ref BIGINT, 
	CONSTRAINT pk_recovery_codes PRIMARY KEY (digest), 
	CONSTRAINT fk_recovery_codes_user_ref FOREIGN KEY(user_ref) REFERENCES users (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_recovery_codes_operator_user_ref FOREIGN KEY(operator_user_ref) REFERENCES operator_users (ref) ON DELETE CASCADE
);
CREATE TABLE retired_base_stations (
	id TEXT NOT NULL, 
	retired_at BIGINT NOT NULL, 
	CONSTRAINT pk_retired_base_stations PRIMARY KEY (id)
);
CREATE TABLE revoked_serials (
	serial TEXT NOT NULL, 
	revoked_at BIGINT NOT NULL, 
	revoked_by TEXT NOT NULL, 
	CONSTRAINT pk_revoked_serials PRIMARY KEY (serial)
);
CREATE TABLE routes (
	routing_profile_ref INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	source_ports TEXT NOT NULL, 
	strategy TEXT NOT NULL, 
	content_type TEXT NOT NULL, 
	as_id TEXT, 
	sealed_as_key BLOB, 
	max_deviation INTEGER, 
	addresses TEXT NOT NULL, 
	CONSTRAINT pk_routes PRIMARY KEY (routing_profile_ref, position), 
	CONSTRAINT fk_routes_routing_profile_ref FOREIGN KEY(routing_profile_ref) REFERENCES routing_profiles (ref) ON DELETE CASCADE
);
CREATE TABLE "routing_profiles" (
	ref INTEGER NOT NULL, 
	subscriber_ref INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	is_default BOOLEAN NOT NULL, 
	is_dummy BOOLEAN NOT NULL, 
	hsm_group_ref INTEGER, header_names TEXT DEFAULT '[]' NOT NULL, sealed_headers BLOB, 
	CONSTRAINT pk_routing_profiles PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT fk_routing_profiles_hsm_group_ref FOREIGN KEY(hsm_group_ref) REFERENCES hsm_groups (ref), 
	CONSTRAINT fk_routing_profiles_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref)
);
CREATE TABLE second_factors (
	ref INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	user_ref BIGINT, 
	operator_user_ref BIGINT, 
	sealed_secret BLOB NOT NULL, 
	confirmed_at BIGINT, 
	last_step BIGINT NOT NULL, 
	CONSTRAINT fk_second_factors_user_ref FOREIGN KEY(user_ref) REFERENCES users (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_second_factors_operator_user_ref FOREIGN KEY(operator_user_ref) REFERENCES operator_users (ref) ON DELETE CASCADE
);
CREATE TABLE sessions (
	digest BLOB NOT NULL, 
	user_ref BIGINT, 
	operator_user_ref BIGINT, 
	used_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, created_at BIGINT DEFAULT '0' NOT NULL, agent TEXT DEFAULT '' NOT NULL, address TEXT DEFAULT '' NOT NULL, provider TEXT DEFAULT '' NOT NULL, verified BOOLEAN DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (digest), 
	CONSTRAINT fk_sessions_user_ref FOREIGN KEY(user_ref) REFERENCES users (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_sessions_operator_user_ref FOREIGN KEY(operator_user_ref) REFERENCES operator_users (ref) ON DELETE CASCADE
);
CREATE TABLE "subscribers" (
	ref INTEGER NOT NULL, 
	operator_ref INTEGER NOT NULL, 
	customer_id TEXT NOT NULL, 
	name TEXT NOT NULL, suspended BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_subscribers PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT fk_subscribers_operator_ref FOREIGN KEY(operator_ref) REFERENCES operators (ref), 
	CONSTRAINT uq_subscribers_customer_id UNIQUE (customer_id)
);
CREATE TABLE tokens (
	digest BLOB NOT NULL, 
	project_ref INTEGER, 
	user_ref INTEGER, 
	expires_at BIGINT NOT NULL, client_id TEXT, 
	CONSTRAINT pk_tokens PRIMARY KEY (digest), 
	CONSTRAINT fk_tokens_project_ref FOREIGN KEY(project_ref) REFERENCES projects (ref) ON DELETE CASCADE, 
	CONSTRAINT fk_tokens_user_ref FOREIGN KEY(user_ref) REFERENCES users (ref) ON DELETE CASCADE
);
CREATE TABLE unknown_base_stations (
	gateway_eui TEXT NOT NULL, 
	address TEXT NOT NULL, 
	datagrams BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_unknown_base_stations PRIMARY KEY (gateway_eui)
);
CREATE TABLE "users" (
	ref INTEGER NOT NULL, 
	subscriber_ref INTEGER NOT NULL, 
	username TEXT NOT NULL, 
	password_hash TEXT NOT NULL, 
	display_name TEXT NOT NULL, role TEXT DEFAULT 'rw' NOT NULL, email TEXT, language TEXT, suspended BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (ref AUTOINCREMENT), 
	CONSTRAINT fk_users_subscriber_ref FOREIGN KEY(subscriber_ref) REFERENCES subscribers (ref), 
	CONSTRAINT uq_users_username UNIQUE (username)
);
CREATE INDEX ix_alarm_comments_alarm_ref ON alarm_comments (alarm_ref);
CREATE INDEX ix_alarm_history_cleared_at ON alarm_history (cleared_at);
CREATE INDEX ix_alarm_history_device_ref_cleared_at ON alarm_history (device_ref, cleared_at);
CREATE INDEX ix_alarms_subscriber_ref_updated_at_ref ON alarms (subscriber_ref, updated_at, ref);
CREATE INDEX ix_alarms_unacknowledged ON alarms (subscriber_ref, device_ref, state) WHERE acked IS 0;
CREATE INDEX ix_api_keys_operator_user_ref ON api_keys (operator_user_ref);
CREATE INDEX ix_api_keys_user_ref ON api_keys (user_ref);
CREATE INDEX ix_audit_device_ref_id ON audit (device_ref, id) WHERE device_ref IS NOT NULL;
CREATE INDEX ix_audit_subscriber_ref_id ON audit (subscriber_ref, id);
CREATE INDEX ix_base_station_hours_hour ON base_station_hours (hour, base_station, observed, down);
CREATE INDEX ix_base_station_outages_ended_at ON base_station_outages (ended_at);
CREATE INDEX ix_base_station_tags_tag ON base_station_tags (tag);
CREATE INDEX ix_base_station_tokens_base_station_ref ON base_station_tokens (base_station_ref);
CREATE INDEX ix_base_stations_profile_ref ON base_stations (profile_ref);
CREATE INDEX ix_campaign_devices_campaign_ref_due_at ON campaign_devices (campaign_ref, due_at);
CREATE INDEX ix_campaign_devices_device_ref ON campaign_devices (device_ref);
CREATE INDEX ix_campaigns_group_ref ON campaigns (group_ref);
CREATE INDEX ix_campaigns_state ON campaigns (state);
CREATE INDEX ix_campaigns_subscriber_ref ON campaigns (subscriber_ref);
CREATE INDEX ix_catalogue_makers_operator_ref_number ON catalogue_makers (operator_ref, number);
CREATE INDEX ix_certificates_base_station_ref ON certificates (base_station_ref);
CREATE INDEX ix_connections_subscriber_ref ON connections (subscriber_ref);
CREATE INDEX ix_coverage_last_at ON coverage (last_at);
CREATE INDEX ix_decoders_subscriber_ref ON decoders (subscriber_ref);
CREATE INDEX ix_deliveries_queue ON deliveries (device_ref, queue, state, id);
CREATE INDEX ix_deliveries_state_id ON deliveries (state, id);
CREATE INDEX ix_deliveries_subscriber ON deliveries (subscriber_ref, state, id);
CREATE INDEX ix_device_key_changes_device_ref ON device_key_changes (device_ref);
CREATE INDEX ix_device_order_heard_hour ON device_order (subscriber_ref, heard_hour, device_ref);
CREATE INDEX ix_device_order_lost_percent ON device_order (subscriber_ref, lost_percent, device_ref);
CREATE INDEX ix_device_states_check_at ON device_states (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX ix_device_states_dev_addr ON device_states (dev_addr);
CREATE INDEX ix_device_states_pending_dev_addr ON device_states (pending_dev_addr);
CREATE INDEX ix_device_states_unsolicited ON device_states (device_ref) WHERE unsolicited IS NOT NULL;
CREATE INDEX ix_device_tags_dev_eui ON device_tags (subscriber_ref, tag, dev_eui, device_ref);
CREATE INDEX ix_device_tags_device_ref ON device_tags (device_ref);
CREATE INDEX ix_device_tags_name ON device_tags (subscriber_ref, tag, name, dev_eui, device_ref);
CREATE INDEX ix_devices_eui_end ON devices (substr(dev_eui, 13), subscriber_ref, dev_eui);
CREATE INDEX ix_devices_position ON devices (subscriber_ref, latitude, longitude, health) WHERE latitude IS NOT NULL;
CREATE INDEX ix_devices_routing_profile_ref ON devices (routing_profile_ref);
CREATE INDEX ix_devices_subscriber_ref_alarm_ref ON devices (subscriber_ref, alarm, ref, health);
CREATE INDEX ix_devices_subscriber_ref_dev_eui ON devices (subscriber_ref, dev_eui, health);
CREATE INDEX ix_devices_subscriber_ref_health_ref ON devices (subscriber_ref, health, ref);
CREATE INDEX ix_devices_subscriber_ref_name ON devices (subscriber_ref, name, dev_eui, health);
CREATE INDEX ix_devices_subscriber_ref_plan_ref ON devices (subscriber_ref, plan_ref);
CREATE INDEX ix_devices_subscriber_ref_profile_ref ON devices (subscriber_ref, profile_ref);
CREATE INDEX ix_devices_subscriber_ref_ref ON devices (subscriber_ref, ref);
CREATE INDEX ix_downlinks_device_ref_id ON downlinks (device_ref, id);
CREATE INDEX ix_downlinks_subscriber_ref_id ON downlinks (subscriber_ref, id);
CREATE INDEX ix_downlinks_subscriber_ref_state_id ON downlinks (subscriber_ref, state, id);
CREATE INDEX ix_firmware_operator_ref ON firmware (operator_ref);
CREATE INDEX ix_flow_connections_connection_ref ON flow_connections (connection_ref);
CREATE INDEX ix_flows_subscriber_ref ON flows (subscriber_ref);
CREATE INDEX ix_found_places_subscriber_ref ON found_places (subscriber_ref, latitude, longitude, device_ref);
CREATE UNIQUE INDEX ix_frames_id ON frames (id);
CREATE INDEX ix_geofences_subscriber_ref ON geofences (subscriber_ref);
CREATE INDEX ix_hearing_base_station ON hearing (base_station);
CREATE INDEX ix_hearing_last_at ON hearing (last_at);
CREATE INDEX ix_hourly_statistics_hour ON hourly_statistics (hour);
CREATE INDEX ix_identities_operator_user_ref ON identities (operator_user_ref);
CREATE INDEX ix_identities_user_ref ON identities (user_ref);
CREATE INDEX ix_imported_devices_device_ref ON imported_devices (device_ref);
CREATE INDEX ix_imports_subscriber_ref ON imports (subscriber_ref);
CREATE INDEX ix_invitations_subscriber_ref ON invitations (subscriber_ref);
CREATE INDEX ix_locations_id ON locations (id);
CREATE INDEX ix_multicast_frames_group_ref_id ON multicast_frames (group_ref, id);
CREATE INDEX ix_multicast_frames_subscriber_ref_id ON multicast_frames (subscriber_ref, id);
CREATE INDEX ix_multicast_groups_busy ON multicast_groups (ref) WHERE busy IS NOT NULL;
CREATE INDEX ix_multicast_groups_plan_ref ON multicast_groups (plan_ref);
CREATE INDEX ix_multicast_groups_routing_profile_ref ON multicast_groups (routing_profile_ref);
CREATE INDEX ix_multicast_groups_subscriber_ref ON multicast_groups (subscriber_ref);
CREATE INDEX ix_multicast_members_device_ref ON multicast_members (device_ref);
CREATE INDEX ix_operator_users_email ON operator_users (email);
CREATE INDEX ix_operator_users_operator_ref ON operator_users (operator_ref);
CREATE INDEX ix_passkeys_operator_user_ref ON passkeys (operator_user_ref);
CREATE INDEX ix_passkeys_user_ref ON passkeys (user_ref);
CREATE INDEX ix_password_resets_expires_at ON password_resets (expires_at);
CREATE INDEX ix_password_resets_operator_user_ref ON password_resets (operator_user_ref);
CREATE INDEX ix_password_resets_user_ref ON password_resets (user_ref);
CREATE INDEX ix_recovery_codes_operator_user_ref ON recovery_codes (operator_user_ref);
CREATE INDEX ix_recovery_codes_user_ref ON recovery_codes (user_ref);
CREATE INDEX ix_routing_profiles_subscriber_ref ON routing_profiles (subscriber_ref);
CREATE UNIQUE INDEX ix_second_factors_operator_user_ref ON second_factors (operator_user_ref);
CREATE UNIQUE INDEX ix_second_factors_user_ref ON second_factors (user_ref);
CREATE INDEX ix_sessions_expires_at ON sessions (expires_at);
CREATE INDEX ix_sessions_operator_user_ref ON sessions (operator_user_ref);
CREATE INDEX ix_sessions_user_ref ON sessions (user_ref);
CREATE INDEX ix_tokens_expires_at ON tokens (expires_at);
CREATE INDEX ix_users_email ON users (email);
CREATE INDEX ix_users_subscriber_ref ON users (subscriber_ref);
CREATE TRIGGER alarms_worst_on_delete AFTER DELETE ON alarms WHEN OLD.acked IS 0 BEGIN UPDATE devices SET alarm = coalesce((SELECT max(state) FROM alarms WHERE device_ref = devices.ref AND acked IS 0), 0) WHERE ref = OLD.device_ref AND alarm <> coalesce((SELECT max(state) FROM alarms WHERE device_ref = devices.ref AND acked IS 0), 0); END;
CREATE TRIGGER alarms_worst_on_insert AFTER INSERT ON alarms WHEN NEW.acked IS 0 BEGIN UPDATE devices SET alarm = NEW.state WHERE ref = NEW.device_ref AND alarm < NEW.state; END;
CREATE TRIGGER alarms_worst_on_update AFTER UPDATE OF state, acked ON alarms WHEN OLD.state <> NEW.state OR OLD.acked <> NEW.acked BEGIN UPDATE devices SET alarm = coalesce((SELECT max(state) FROM alarms WHERE device_ref = devices.ref AND acked IS 0), 0) WHERE ref = NEW.device_ref AND alarm <> coalesce((SELECT max(state) FROM alarms WHERE device_ref = devices.ref AND acked IS 0), 0); END;
CREATE TRIGGER device_names_changed AFTER UPDATE OF name, dev_eui ON devices WHEN OLD.ref <= (SELECT CAST(value AS INTEGER) FROM properties WHERE name = 'device_names_until') BEGIN INSERT INTO device_names (device_names, rowid, name, eui) VALUES ('delete', OLD.ref, OLD.name || char(1, 1), OLD.dev_eui || char(1, 1)); INSERT INTO device_names (rowid, name, eui) VALUES (NEW.ref, NEW.name || char(1, 1), NEW.dev_eui || char(1, 1)); END;
CREATE TRIGGER device_names_put AFTER INSERT ON devices WHEN NEW.ref <= (SELECT CAST(value AS INTEGER) FROM properties WHERE name = 'device_names_until') BEGIN INSERT INTO device_names (rowid, name, eui) VALUES (NEW.ref, NEW.name || char(1, 1), NEW.dev_eui || char(1, 1)); END;
CREATE TRIGGER device_names_taken AFTER DELETE ON devices WHEN OLD.ref <= (SELECT CAST(value AS INTEGER) FROM properties WHERE name = 'device_names_until') BEGIN INSERT INTO device_names (device_names, rowid, name, eui) VALUES ('delete', OLD.ref, OLD.name || char(1, 1), OLD.dev_eui || char(1, 1)); END;
CREATE TRIGGER device_order_counted_on_delete AFTER DELETE ON device_order BEGIN INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 2, OLD.subscriber_ref, coalesce((SELECT bounds.block FROM device_number_bounds AS bounds WHERE bounds.list = 2 AND bounds.subscriber_ref = OLD.subscriber_ref AND (bounds.key, bounds.device_ref) <= (OLD.heard_hour, OLD.device_ref) ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0), 0, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 3, OLD.subscriber_ref, coalesce((SELECT bounds.block FROM device_number_bounds AS bounds WHERE bounds.list = 3 AND bounds.subscriber_ref = OLD.subscriber_ref AND (bounds.key, bounds.device_ref) <= (OLD.lost_percent, OLD.device_ref) ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0), 0, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 4, OLD.subscriber_ref, OLD.device_ref >> 12, 0, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; END;
CREATE TRIGGER device_order_counted_on_insert AFTER INSERT ON device_order BEGIN INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 2, NEW.subscriber_ref, coalesce((SELECT bounds.block FROM device_number_bounds AS bounds WHERE bounds.list = 2 AND bounds.subscriber_ref = NEW.subscriber_ref AND (bounds.key, bounds.device_ref) <= (NEW.heard_hour, NEW.device_ref) ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0), 0, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 3, NEW.subscriber_ref, coalesce((SELECT bounds.block FROM device_number_bounds AS bounds WHERE bounds.list = 3 AND bounds.subscriber_ref = NEW.subscriber_ref AND (bounds.key, bounds.device_ref) <= (NEW.lost_percent, NEW.device_ref) ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0), 0, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 4, NEW.subscriber_ref, NEW.device_ref >> 12, 0, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; END;
CREATE TRIGGER device_order_in_device_list_counts AFTER UPDATE OF heard_hour, lost_percent ON device_order WHEN OLD.heard_hour IS NOT NEW.heard_hour OR OLD.lost_percent IS NOT NEW.lost_percent BEGIN INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 2, OLD.subscriber_ref, coalesce((SELECT bounds.block FROM device_number_bounds AS bounds WHERE bounds.list = 2 AND bounds.subscriber_ref = OLD.subscriber_ref AND (bounds.key, bounds.device_ref) <= (OLD.heard_hour, OLD.device_ref) ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0), 0, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 3, OLD.subscriber_ref, coalesce((SELECT bounds.block FROM device_number_bounds AS bounds WHERE bounds.list = 3 AND bounds.subscriber_ref = OLD.subscriber_ref AND (bounds.key, bounds.device_ref) <= (OLD.lost_percent, OLD.device_ref) ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0), 0, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 4, OLD.subscriber_ref, OLD.device_ref >> 12, 0, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 2, NEW.subscriber_ref, coalesce((SELECT bounds.block FROM device_number_bounds AS bounds WHERE bounds.list = 2 AND bounds.subscriber_ref = NEW.subscriber_ref AND (bounds.key, bounds.device_ref) <= (NEW.heard_hour, NEW.device_ref) ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0), 0, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 3, NEW.subscriber_ref, coalesce((SELECT bounds.block FROM device_number_bounds AS bounds WHERE bounds.list = 3 AND bounds.subscriber_ref = NEW.subscriber_ref AND (bounds.key, bounds.device_ref) <= (NEW.lost_percent, NEW.device_ref) ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0), 0, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 4, NEW.subscriber_ref, NEW.device_ref >> 12, 0, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; END;
CREATE TRIGGER device_tags_named AFTER INSERT ON device_tags BEGIN UPDATE device_tags SET (name, dev_eui) = (SELECT name, dev_eui FROM devices WHERE ref = NEW.device_ref) WHERE subscriber_ref = NEW.subscriber_ref AND tag = NEW.tag AND device_ref = NEW.device_ref; END;
CREATE TRIGGER device_tags_renamed AFTER UPDATE OF name, dev_eui ON devices WHEN (OLD.name <> NEW.name OR OLD.dev_eui <> NEW.dev_eui) BEGIN UPDATE device_tags SET name = NEW.name, dev_eui = NEW.dev_eui WHERE device_ref = NEW.ref; END;
CREATE TRIGGER devices_counted_on_delete AFTER DELETE ON devices BEGIN INSERT INTO device_counts (subscriber_ref, block, health, alarm, part, devices) SELECT OLD.subscriber_ref, OLD.ref >> 12, OLD.health, OLD.alarm, 0, -1 WHERE true ON CONFLICT (subscriber_ref, block, health, alarm, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_cells (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part, devices) SELECT OLD.subscriber_ref, CAST((OLD.latitude + 90.0) * 100 AS INTEGER), CAST((OLD.longitude + 180.0) * 100 AS INTEGER), OLD.health, OLD.alarm, coalesce(OLD.plan_ref, 0), OLD.profile_ref, coalesce(OLD.routing_profile_ref, 0), 0, -1 WHERE OLD.latitude IS NOT NULL AND OLD.longitude IS NOT NULL ON CONFLICT (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_areas (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part, devices) SELECT OLD.subscriber_ref, CAST((OLD.latitude + 90.0) * 10 AS INTEGER), CAST((OLD.longitude + 180.0) * 10 AS INTEGER), OLD.health, OLD.alarm, coalesce(OLD.plan_ref, 0), OLD.profile_ref, coalesce(OLD.routing_profile_ref, 0), 0, -1 WHERE OLD.latitude IS NOT NULL AND OLD.longitude IS NOT NULL ON CONFLICT (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 0, OLD.subscriber_ref, coalesce((SELECT bounds.block FROM device_text_bounds AS bounds WHERE bounds.list = 0 AND bounds.subscriber_ref = OLD.subscriber_ref AND (bounds.key, bounds.dev_eui) <= (OLD.name, OLD.dev_eui) ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0), OLD.health, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 1, OLD.subscriber_ref, coalesce((SELECT bounds.block FROM device_text_bounds AS bounds WHERE bounds.list = 1 AND bounds.subscriber_ref = OLD.subscriber_ref AND (bounds.key, bounds.dev_eui) <= (OLD.dev_eui, OLD.dev_eui) ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0), OLD.health, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; END;
CREATE TRIGGER devices_counted_on_insert AFTER INSERT ON devices BEGIN INSERT INTO device_counts (subscriber_ref, block, health, alarm, part, devices) SELECT NEW.subscriber_ref, NEW.ref >> 12, NEW.health, NEW.alarm, 0, 1 WHERE true ON CONFLICT (subscriber_ref, block, health, alarm, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_cells (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part, devices) SELECT NEW.subscriber_ref, CAST((NEW.latitude + 90.0) * 100 AS INTEGER), CAST((NEW.longitude + 180.0) * 100 AS INTEGER), NEW.health, NEW.alarm, coalesce(NEW.plan_ref, 0), NEW.profile_ref, coalesce(NEW.routing_profile_ref, 0), 0, 1 WHERE NEW.latitude IS NOT NULL AND NEW.longitude IS NOT NULL ON CONFLICT (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_areas (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part, devices) SELECT NEW.subscriber_ref, CAST((NEW.latitude + 90.0) * 10 AS INTEGER), CAST((NEW.longitude + 180.0) * 10 AS INTEGER), NEW.health, NEW.alarm, coalesce(NEW.plan_ref, 0), NEW.profile_ref, coalesce(NEW.routing_profile_ref, 0), 0, 1 WHERE NEW.latitude IS NOT NULL AND NEW.longitude IS NOT NULL ON CONFLICT (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 0, NEW.subscriber_ref, coalesce((SELECT bounds.block FROM device_text_bounds AS bounds WHERE bounds.list = 0 AND bounds.subscriber_ref = NEW.subscriber_ref AND (bounds.key, bounds.dev_eui) <= (NEW.name, NEW.dev_eui) ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0), NEW.health, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 1, NEW.subscriber_ref, coalesce((SELECT bounds.block FROM device_text_bounds AS bounds WHERE bounds.list = 1 AND bounds.subscriber_ref = NEW.subscriber_ref AND (bounds.key, bounds.dev_eui) <= (NEW.dev_eui, NEW.dev_eui) ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0), NEW.health, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; END;
CREATE TRIGGER devices_in_device_areas AFTER UPDATE OF latitude, longitude, health, alarm, plan_ref, profile_ref, routing_profile_ref ON devices WHEN OLD.latitude IS NOT NEW.latitude OR OLD.longitude IS NOT NEW.longitude OR OLD.health IS NOT NEW.health OR OLD.alarm IS NOT NEW.alarm OR OLD.plan_ref IS NOT NEW.plan_ref OR OLD.profile_ref IS NOT NEW.profile_ref OR OLD.routing_profile_ref IS NOT NEW.routing_profile_ref BEGIN INSERT INTO device_areas (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part, devices) SELECT OLD.subscriber_ref, CAST((OLD.latitude + 90.0) * 10 AS INTEGER), CAST((OLD.longitude + 180.0) * 10 AS INTEGER), OLD.health, OLD.alarm, coalesce(OLD.plan_ref, 0), OLD.profile_ref, coalesce(OLD.routing_profile_ref, 0), 0, -1 WHERE OLD.latitude IS NOT NULL AND OLD.longitude IS NOT NULL ON CONFLICT (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_areas (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part, devices) SELECT NEW.subscriber_ref, CAST((NEW.latitude + 90.0) * 10 AS INTEGER), CAST((NEW.longitude + 180.0) * 10 AS INTEGER), NEW.health, NEW.alarm, coalesce(NEW.plan_ref, 0), NEW.profile_ref, coalesce(NEW.routing_profile_ref, 0), 0, 1 WHERE NEW.latitude IS NOT NULL AND NEW.longitude IS NOT NULL ON CONFLICT (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part) DO UPDATE SET devices = devices + excluded.devices; END;
CREATE TRIGGER devices_in_device_cells AFTER UPDATE OF latitude, longitude, health, alarm, plan_ref, profile_ref, routing_profile_ref ON devices WHEN OLD.latitude IS NOT NEW.latitude OR OLD.longitude IS NOT NEW.longitude OR OLD.health IS NOT NEW.health OR OLD.alarm IS NOT NEW.alarm OR OLD.plan_ref IS NOT NEW.plan_ref OR OLD.profile_ref IS NOT NEW.profile_ref OR OLD.routing_profile_ref IS NOT NEW.routing_profile_ref BEGIN INSERT INTO device_cells (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part, devices) SELECT OLD.subscriber_ref, CAST((OLD.latitude + 90.0) * 100 AS INTEGER), CAST((OLD.longitude + 180.0) * 100 AS INTEGER), OLD.health, OLD.alarm, coalesce(OLD.plan_ref, 0), OLD.profile_ref, coalesce(OLD.routing_profile_ref, 0), 0, -1 WHERE OLD.latitude IS NOT NULL AND OLD.longitude IS NOT NULL ON CONFLICT (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_cells (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part, devices) SELECT NEW.subscriber_ref, CAST((NEW.latitude + 90.0) * 100 AS INTEGER), CAST((NEW.longitude + 180.0) * 100 AS INTEGER), NEW.health, NEW.alarm, coalesce(NEW.plan_ref, 0), NEW.profile_ref, coalesce(NEW.routing_profile_ref, 0), 0, 1 WHERE NEW.latitude IS NOT NULL AND NEW.longitude IS NOT NULL ON CONFLICT (subscriber_ref, row, col, health, alarm, plan_ref, profile_ref, routing_profile_ref, part) DO UPDATE SET devices = devices + excluded.devices; END;
CREATE TRIGGER devices_in_device_counts AFTER UPDATE OF health, alarm ON devices WHEN OLD.health IS NOT NEW.health OR OLD.alarm IS NOT NEW.alarm BEGIN INSERT INTO device_counts (subscriber_ref, block, health, alarm, part, devices) SELECT OLD.subscriber_ref, OLD.ref >> 12, OLD.health, OLD.alarm, 0, -1 WHERE true ON CONFLICT (subscriber_ref, block, health, alarm, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_counts (subscriber_ref, block, health, alarm, part, devices) SELECT NEW.subscriber_ref, NEW.ref >> 12, NEW.health, NEW.alarm, 0, 1 WHERE true ON CONFLICT (subscriber_ref, block, health, alarm, part) DO UPDATE SET devices = devices + excluded.devices; END;
CREATE TRIGGER devices_in_device_list_counts AFTER UPDATE OF name, dev_eui, health ON devices WHEN OLD.name IS NOT NEW.name OR OLD.dev_eui IS NOT NEW.dev_eui OR OLD.health IS NOT NEW.health BEGIN INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 0, OLD.subscriber_ref, coalesce((SELECT bounds.block FROM device_text_bounds AS bounds WHERE bounds.list = 0 AND bounds.subscriber_ref = OLD.subscriber_ref AND (bounds.key, bounds.dev_eui) <= (OLD.name, OLD.dev_eui) ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0), OLD.health, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 1, OLD.subscriber_ref, coalesce((SELECT bounds.block FROM device_text_bounds AS bounds WHERE bounds.list = 1 AND bounds.subscriber_ref = OLD.subscriber_ref AND (bounds.key, bounds.dev_eui) <= (OLD.dev_eui, OLD.dev_eui) ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0), OLD.health, 0, -1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 0, NEW.subscriber_ref, coalesce((SELECT bounds.block FROM device_text_bounds AS bounds WHERE bounds.list = 0 AND bounds.subscriber_ref = NEW.subscriber_ref AND (bounds.key, bounds.dev_eui) <= (NEW.name, NEW.dev_eui) ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0), NEW.health, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT 1, NEW.subscriber_ref, coalesce((SELECT bounds.block FROM device_text_bounds AS bounds WHERE bounds.list = 1 AND bounds.subscriber_ref = NEW.subscriber_ref AND (bounds.key, bounds.dev_eui) <= (NEW.dev_eui, NEW.dev_eui) ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0), NEW.health, 0, 1 WHERE true ON CONFLICT (list, subscriber_ref, block, health, part) DO UPDATE SET devices = devices + excluded.devices; END;
INSERT INTO alembic_version (version_num) VALUES ('0064');
