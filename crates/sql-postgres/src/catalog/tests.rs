//! The shop that this crate's tests are about, and what a snapshot of it knows.

use std::collections::BTreeSet;

use model::ClassId;

use super::*;
use crate::classes::ClassRules;

/// Relations of the shop and of PostgreSQL itself: oid, kind, name, columns.
const RELATIONS: &[(u32, char, &str, &str)] = &[
    (1247, 'r', "pg_catalog.pg_type", "oid typname typtype"),
    (1249, 'r', "pg_catalog.pg_attribute", "attrelid attname attnum attisdropped atttypid"),
    (1255, 'r', "pg_catalog.pg_proc", "oid proname prosrc"),
    (1259, 'r', "pg_catalog.pg_class", "oid relname relnamespace relkind relowner"),
    (1260, 'r', "pg_catalog.pg_authid", "oid rolname rolsuper rolpassword"),
    (1261, 'r', "pg_catalog.pg_auth_members", "roleid member"),
    (1262, 'r', "pg_catalog.pg_database", "oid datname datdba"),
    (2615, 'r', "pg_catalog.pg_namespace", "oid nspname"),
    (2619, 'r', "pg_catalog.pg_statistic", "starelid staattnum stavalues1"),
    (2613, 'r', "pg_catalog.pg_largeobject", "loid pageno data"),
    (6100, 'r', "pg_catalog.pg_subscription", "oid subname subconninfo"),
    (12001, 'v', "pg_catalog.pg_roles", "rolname rolsuper rolpassword oid"),
    (12002, 'v', "pg_catalog.pg_shadow", "usename passwd"),
    (12003, 'v', "pg_catalog.pg_stat_activity", "pid usename state query"),
    (12004, 'v', "pg_catalog.pg_stats", "tablename attname most_common_vals histogram_bounds null_frac"),
    (12005, 'v', "pg_catalog.pg_settings", "name setting"),
    (12006, 'v', "pg_catalog.pg_stat_user_tables", "relname n_live_tup"),
    (12007, 'v', "pg_catalog.pg_user_mappings", "srvname umoptions"),
    (13001, 'v', "information_schema.columns", "table_name column_name column_default"),
    (20001, 'r', "public.customers", "id name email card ssn city birth_date note"),
    (20002, 'r', "public.orders", "id customer_id total status note"),
    (20003, 'r', "public.payments", "id order_id card_number amount"),
    (20004, 'v', "public.customer_names", "id name tag"),
    (20005, 'r', "audit.orders", "id who what"),
    (20006, 'S', "public.orders_id_seq", "last_value"),
    (20007, 'i', "public.customers_pkey", ""),
    (20008, 'v', "public.names_of_names", "name shown"),
    (20009, 'm', "public.spending", "customer_id email total"),
    (20010, 't', "pg_toast.pg_toast_20001", "chunk_id chunk_seq chunk_data"),
    (20011, 'p', "public.events", "id at visitor_email"),
    (20012, 'r', "public.events_2026", "id at visitor_email ip"),
    (20013, 'f', "public.partners", "id name"),
    (20014, 'v', "public.roles", "rolname secret"),
    (20015, 'v', "public.labelled", "id label"),
    (20016, 'v', "public.my_settings", "name setting"),
    (20017, 'r', "public.products", "id name price"),
    (20018, 'c', "public.address", "street city"),
    (20019, 'r', "pg_temp_7.basket", "id product_id"),
    (20020, 'v', "public.pg_stat_statements", "userid query calls"),
    (20021, 'v', "public.partner_names", "name"),
];

const SYSTEM_FUNCTIONS: &str = "ascii lower upper count sum avg min max now coalesce length octet_length substr substring concat \
    format_type pg_get_expr pg_get_userbyid pg_table_is_visible obj_description current_setting set_config nextval setval \
    currval pg_notify pg_sleep query_to_xml table_to_xml cursor_to_xml database_to_xml ts_stat ts_rewrite pg_read_file \
    pg_read_binary_file pg_ls_dir pg_stat_file lo_import lo_export lo_get lo_create loread pg_terminate_backend \
    pg_cancel_backend pg_advisory_lock pg_try_advisory_lock pg_stat_get_activity pg_stat_get_backend_activity row_to_json \
    to_jsonb to_json jsonb_to_recordset json_agg jsonb_agg array_agg string_agg json_build_object json_build_array jsonb_build_array array_to_json json_object_agg json_object json_strip_nulls \
    jsonb_strip_nulls jsonb_set json_array_elements jsonb_each jsonb_array_elements unnest \
    generate_series random setseed pg_reload_conf pg_switch_wal pg_logical_slot_get_changes pg_create_restore_point \
    pg_create_logical_replication_slot pg_replication_origin_create pg_logical_emit_message date_trunc round abs md5 \
    encode decode sha256 bernoulli system pg_relation_size regexp_replace xmlelement xpath int4 text date uuid \
    gen_random_uuid rank row_number pg_get_viewdef version current_schemas pg_encoding_to_char array_to_string \
    pg_is_in_recovery json_populate_record has_table_privilege repeat convert_from pg_backend_pid int4eq percentile_disc \
    pg_current_logfile pg_mcv_list_items pg_rotate_logfile pg_promote jsonb_build_object to_char overlay position xmlagg \
    pg_logical_slot_peek_changes";

/// The rows that a server would give for the shop.
pub(crate) fn shop_rows() -> CatalogRows {
    let mut rows = CatalogRows::default();
    for (oid, kind, name, columns) in RELATIONS {
        let (schema, name) = name.split_once('.').unwrap();
        rows.relations.push(RawRelation { oid: *oid, schema: schema.into(), name: name.into(), kind: *kind });
        for (number, column) in (1..).zip(columns.split_whitespace()) {
            rows.columns.push(RawColumn {
                relation: *oid,
                number,
                name: column.into(),
                generated: false,
                text: !matches!(column, "id" | "birth_date" | "amount"),
                of_users: false,
                type_oid: 0,
            });
        }
    }
    // A column in the middle was dropped once.
    rows.columns.iter_mut().filter(|column| column.relation == 20003 && column.number == 4).for_each(|c| c.number = 5);
    rows.reads = vec![
        (20004, 20001),
        (20008, 20004),
        (20009, 20001),
        (20009, 20002),
        (20010, 20001),
        (20014, 1260),
        (20016, 12005),
        (20021, 20013),
    ];
    rows.calls = vec![20015, 20020];
    rows.inherits = vec![(20012, 20011)];
    rows.functions = [
        ("public", "refund", false, false),
        ("public", "fullname", true, false),
        ("audit", "refund", false, false),
        ("public", "dblink", false, false),
        ("public", "uuid_generate_v4", false, true),
        ("public", "crypt", false, true),
        ("audit", "crypt", false, false),
        ("public", "pg_stat_statements", false, false),
    ]
    .map(|(schema, name, takes_row, computes)| RawFunction {
        oid: 30_000,
        schema: schema.into(),
        name: name.into(),
        takes_row,
        computes,
        returns_set: false,
    })
    .to_vec();
    let columns = |name: &str| -> Option<Box<[Arc<str>]>> {
        match name {
            "jsonb_each" => Some(["key", "value"].map(Into::into).into()),
            "unnest" | "jsonb_to_recordset" | "json_populate_record" => None,
            _ => Some(Box::default()),
        }
    };
    let system = SYSTEM_FUNCTIONS.split_whitespace().map(|name| RawSystemFunction {
        name: name.into(),
        returns_set: [
            "jsonb_each",
            "json_array_elements",
            "unnest",
            "jsonb_to_recordset",
            "generate_series",
            "jsonb_array_elements",
        ]
        .contains(&name),
        columns: columns(name),
    });
    rows.system_functions = system.collect();
    rows.operators = vec![("public".into(), "===".into())];
    rows
}

pub(crate) fn class(name: &str) -> ClassId {
    ClassId::parse(name).unwrap()
}

pub(crate) fn shop_rules() -> ClassRules {
    let lines = [
        ("*.*.email", "pii.email"),
        ("public.customers.card", "pci.card"),
        ("public.payments.card_number", "pci.card"),
        ("public.customers.ssn", "pii.national_id"),
        ("public.customers.birth_date", "pii.birth_date"),
        ("public.events.visitor_email", "pii.email"),
        ("public.events_2026.ip", "pii.ip"),
    ];
    ClassRules::parse(lines.map(|(pattern, name)| (pattern, class(name))), false).unwrap()
}

/// The shop.
pub(crate) fn shop() -> Catalog {
    Catalog::build(shop_rows(), &shop_rules(), None)
}

fn touched(catalog: &Catalog, oid: u32) -> BTreeSet<String> {
    let entry = catalog.entry(oid).unwrap();
    entry.touches.iter().map(|field| format!("{}.{}", field.part.name, field.name)).collect()
}

#[test]
fn views_matviews_and_toast_are_made_of_what_they_read() {
    let shop = shop();
    let customers: BTreeSet<_> =
        ["email", "card", "ssn", "birth_date"].map(|column| format!("public.customers.{column}")).into();
    assert_eq!(touched(&shop, 20001), customers);
    for made_of_customers in [20004, 20008, 20010] {
        assert_eq!(touched(&shop, made_of_customers), customers, "{made_of_customers}");
    }
    // The materialized view's own column matches a rule as well.
    assert!(touched(&shop, 20009).is_superset(&customers) && touched(&shop, 20009).contains("public.spending.email"));
    assert!(shop.entry(20004).unwrap().is_derived() && !shop.entry(20001).unwrap().is_derived());
    // PostgreSQL's own views don't inherit from its tables, users' views of them do.
    assert!(touched(&shop, 12001).is_empty());
    assert_eq!(touched(&shop, 20014), BTreeSet::from(["pg_catalog.pg_authid.rolpassword".to_owned()]));
    assert!(shop.entry(20016).unwrap().sets_settings && !shop.entry(20001).unwrap().sets_settings);
    assert_eq!(&*shop.entry(20021).unwrap().foreign[0].name, "public.partners");
}

#[test]
fn parents_and_partitions_share_their_classes() {
    let shop = shop();
    assert_eq!(shop.column(20012, 3).unwrap().class, Some(class("pii.email")));
    let both = BTreeSet::from(["public.events.visitor_email", "public.events_2026.ip"].map(str::to_owned));
    assert_eq!(touched(&shop, 20011), both);
    assert_eq!(touched(&shop, 20012), both);
}

#[test]
fn a_classified_column_stays_classified_when_it_is_renamed() {
    let mut rows = shop_rows();
    let ssn = rows.columns.iter_mut().find(|column| column.relation == 20001 && column.number == 5).unwrap();
    ssn.name = "harmless".into();
    let rules = shop_rules();
    let renamed = Catalog::build(rows.clone(), &rules, Some(&shop()));
    assert_eq!(renamed.column(20001, 5).unwrap().class, Some(class("pii.national_id")));
    assert_eq!(renamed.field(20001, 5).unwrap().name, "harmless");
    assert_eq!(renamed.unmatched_rules(), ["public.customers.ssn"]);
    // Rules from scratch.
    assert_eq!(Catalog::build(rows, &rules, None).column(20001, 5).unwrap().class, None);
}

#[test]
fn postgresqls_secrets_are_sealed_whatever_the_rules_say() {
    let rules = ClassRules::parse([("*.*.rolpassword", class("public"))], false).unwrap();
    let catalog = Catalog::build(shop_rows(), &rules, None);
    let secret = catalog.field(1260, 4).unwrap();
    assert!(secret.sealed);
    assert_eq!(secret.class.as_str(), "secret.password_hash");
    assert!(shop().field(12003, 4).unwrap().sealed && shop().field(12003, 1).is_none());
    assert_eq!(shop().field(20020, 2).unwrap().class.as_str(), "secret.statement_text");
}

#[test]
fn everything_of_the_users_can_be_hidden() {
    let rules = ClassRules::parse([("*.*.email", class("pii.email"))], true).unwrap();
    let catalog = Catalog::build(shop_rows(), &rules, None);
    assert_eq!(catalog.column(20002, 1).unwrap().class, Some(class("unclassified")));
    assert_eq!(catalog.column(20001, 3).unwrap().class, Some(class("pii.email")));
    assert_eq!(catalog.column(1259, 2).unwrap().class, None);
    // Turned off again, nothing of it stays behind.
    let shown = Catalog::build(shop_rows(), &shop_rules(), Some(&catalog));
    assert_eq!(shown.column(20002, 1).unwrap().class, None);
}

#[test]
fn names_without_a_schema_mean_every_relation_of_that_name() {
    let shop = shop();
    let named = |schema: &str, name: &str| shop.named(schema, name).count();
    assert_eq!((named("", "orders"), named("audit", "orders"), named("nowhere", "orders")), (2, 1, 0));
    assert_eq!((named("pg_temp", "basket"), named("pg_temp_7", "basket"), named("", "basket")), (1, 1, 1));
}

#[test]
fn rows_of_the_queries_are_read_and_odd_ones_refused() {
    let mut rows = CatalogRows::default();
    for (query, row) in [
        ("relations", &[Some("20001"), Some("public"), Some("customers"), Some("r")][..]),
        ("columns", &[Some("20001"), Some("1"), Some("id"), Some("f"), Some("f")][..]),
        ("reads", &[Some("20004"), Some("20001")][..]),
        ("calls", &[Some("20015")][..]),
        ("inherits", &[Some("20012"), Some("20011")][..]),
        ("functions", &[Some("30001"), Some("public"), Some("f"), None, Some("f"), Some("f")][..]),
        ("functions", &[Some("30002"), Some("public"), Some("g"), Some("t"), Some("t"), Some("f")][..]),
        ("system_functions", &[Some("lower"), Some("f"), Some("")][..]),
        ("system_functions", &[Some("jsonb_each"), Some("t"), Some("key value")][..]),
        ("system_functions", &[Some("unnest"), Some("t"), None][..]),
        ("rules", &[Some("20004")][..]),
        ("triggers", &[Some("20004")][..]),
        ("views", &[Some("20004"), None][..]),
        ("views", &[Some("20004"), Some("no tree")][..]),
        ("generated", &[Some("20001"), Some("3"), None][..]),
        ("casts", &[Some("money"), Some("t"), Some("30001"), Some("t")][..]),
        ("texts", &[Some("30003")][..]),
        ("operators", &[Some("public"), Some("===")][..]),
    ] {
        rows.add(query, row).unwrap();
        assert!(OWN_CATALOG_QUERIES.iter().chain(CATALOG_QUERIES).any(|(name, _)| *name == query), "{query}");
    }
    assert_eq!((OWN_CATALOG_QUERIES.len(), CATALOG_QUERIES.len()), (3, 13));
    assert!(!rows.functions[0].takes_row && rows.functions[1].takes_row && rows.functions[1].computes);
    assert!(
        rows.add("columns", &[Some("20001"), Some("x"), Some("id"), Some("f"), Some("t")])
            .unwrap_err()
            .to_string()
            .contains("other columns")
    );
    assert!(rows.add("relations", &[Some("1")]).is_err());
    assert_eq!(rows.add("nothing", &[]).unwrap_err().what, "there is no such query");
}

#[test]
fn what_is_written_as_text_is_text() {
    let mut rows = shop_rows();
    rows.texts.push(30_003);
    rows.columns.iter_mut().filter(|column| column.relation == 20001).for_each(|column| column.type_oid = 30_003);
    let catalog = Catalog::build(rows, &shop_rules(), None);
    assert_eq!(catalog.column(20001, 1).unwrap().type_oid, 25);
    assert_eq!((catalog.written_as(30_003), catalog.written_as(30_004), catalog.written_as(23)), (25, 30_004, 23));
}

#[test]
fn many_partitions_are_quick_and_show_the_parents_fields_once() {
    let mut rows = shop_rows();
    for partition in 30_000..33_000 {
        let name = format!("events_{partition}").into();
        rows.relations.push(RawRelation { oid: partition, schema: "public".into(), name, kind: 'r' });
        rows.columns.push(RawColumn {
            relation: partition,
            number: 3,
            name: "visitor_email".into(),
            generated: false,
            text: true,
            of_users: false,
            type_oid: 0,
        });
        rows.inherits.push((partition, 20011));
    }
    let catalog = Catalog::build(rows, &shop_rules(), None);
    assert_eq!(catalog.entry(20011).unwrap().touches.len(), 2);
    assert_eq!(catalog.column(32_999, 3).unwrap().class, Some(class("pii.email")));
}

#[test]
fn a_cast_that_runs_code_unseen_is_in_the_way_where_it_can_happen() {
    let followed = |of_users: bool, column_of_users: bool, sql: &str| {
        let mut rows = shop_rows();
        rows.casts.push(RawCast { target: "money".into(), is_implicit: true, function: 30_001, of_users });
        rows.columns.iter_mut().filter(|column| column.relation == 20001).for_each(|c| c.of_users = column_of_users);
        let catalog = Catalog::build(rows, &shop_rules(), None);
        crate::analyse(sql, &catalog).unwrap()[0].is_followed()
    };
    let plain = "SELECT upper(note) FROM customers";
    assert!(followed(true, false, plain));
    assert!(!followed(false, false, plain), "between PostgreSQL's own types it can happen anywhere");
    assert!(!followed(true, true, plain));
    assert!(!followed(true, true, "SELECT 1 FROM orders JOIN customers USING (id)"));
    assert!(!followed(true, false, "SELECT note::money FROM customers"));
    assert!(!followed(true, false, "SELECT note FROM customers WHERE id = CAST($1 AS coin)"));
    assert!(followed(true, false, "SELECT note::text FROM customers"));
}

#[test]
fn what_is_as_it_was_in_the_snapshot_before_is_held_once() {
    let rules = ClassRules::parse([("public.customers.email", ClassId::parse("pii.email").unwrap())], false).unwrap();
    let before = Catalog::build(shop_rows(), &rules, None);
    assert_eq!(Catalog::build(shop_rows(), &rules, Some(&before)), before);
    let mut rows = shop_rows();
    rows.columns.iter_mut().filter(|column| column.relation == 20017).for_each(|column| column.generated = true);
    let after = Catalog::build(rows, &rules, Some(&before));
    assert_ne!(after, before);
    let shared = |oid: u32| Arc::ptr_eq(&before.relations[&oid], &after.relations[&oid]);
    assert!(shared(20001) && shared(20004) && !shared(20017));
}
