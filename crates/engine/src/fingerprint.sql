WITH ns AS (
    SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'belay')
),
member AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
rel AS (
    SELECT c.oid, pg_catalog.format('%I.%I', ns.nspname, c.relname) AS name, c.relkind, c.relpersistence, c.reloptions,
           c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relowner, c.relacl, c.relpartbound
    FROM pg_catalog.pg_class c JOIN ns ON ns.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = c.oid)
      AND c.relname <> 'flyway_schema_history'
),
fact (kind, name, definition) AS (
    SELECT 'schema', pg_catalog.quote_ident(ns.nspname), pg_catalog.concat_ws('|', pg_catalog.pg_get_userbyid(s.nspowner), s.nspacl::text)
    FROM ns JOIN pg_catalog.pg_namespace s USING (oid)
    UNION ALL
    SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'table' END,
           name,
           pg_catalog.concat_ws('|', relkind, relpersistence, reloptions::text, relrowsecurity, relforcerowsecurity, relreplident,
               pg_catalog.pg_get_userbyid(relowner), relacl::text,
               CASE WHEN relkind = 'p' THEN pg_catalog.pg_get_partkeydef(oid) END, pg_catalog.pg_get_expr(relpartbound, oid),
               CASE WHEN relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(oid) END)
    FROM rel WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'column', rel.name || '.' || pg_catalog.quote_ident(a.attname),
           pg_catalog.concat_ws('|', pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
               pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attcollation::pg_catalog.regcollation, a.attstorage, a.attcompression,
               a.attoptions::text, a.attacl::text)
    FROM rel JOIN pg_catalog.pg_attribute a ON a.attrelid = rel.oid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND rel.relkind IN ('r', 'p', 'f')
    UNION ALL
    SELECT 'constraint', rel.name || '.' || pg_catalog.quote_ident(k.conname),
           pg_catalog.concat_ws('|', pg_catalog.pg_get_constraintdef(k.oid), k.convalidated)
    FROM rel JOIN pg_catalog.pg_constraint k ON k.conrelid = rel.oid
    UNION ALL
    SELECT 'index', rel.name,
           pg_catalog.concat_ws('|', pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indisclustered, i.indisreplident)
    FROM rel JOIN pg_catalog.pg_index i ON i.indexrelid = rel.oid
    WHERE i.indrelid IN (SELECT oid FROM rel)
    UNION ALL
    SELECT 'sequence settings', rel.name,
           pg_catalog.concat_ws('|', pg_catalog.format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle)
    FROM rel JOIN pg_catalog.pg_sequence s ON s.seqrelid = rel.oid
    UNION ALL
    SELECT 'function', pg_catalog.format('%I.%I(%s)', ns.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
           pg_catalog.concat_ws('|', CASE WHEN p.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(p.oid) END,
               pg_catalog.pg_get_userbyid(p.proowner), p.proacl::text)
    FROM pg_catalog.pg_proc p JOIN ns ON ns.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND m.objid = p.oid)
    UNION ALL
    SELECT 'trigger', rel.name || '.' || pg_catalog.quote_ident(t.tgname),
           pg_catalog.concat_ws('|', pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled)
    FROM rel JOIN pg_catalog.pg_trigger t ON t.tgrelid = rel.oid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'policy', rel.name || '.' || pg_catalog.quote_ident(p.polname),
           pg_catalog.concat_ws('|', p.polcmd, p.polpermissive,
               (SELECT pg_catalog.string_agg(CASE WHEN r = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r) END, ',' ORDER BY 1)
                FROM pg_catalog.unnest(p.polroles) r),
               pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
    FROM rel JOIN pg_catalog.pg_policy p ON p.polrelid = rel.oid
    UNION ALL
    SELECT 'rule', rel.name || '.' || pg_catalog.quote_ident(r.rulename), pg_catalog.concat_ws('|', pg_catalog.pg_get_ruledef(r.oid), r.ev_enabled)
    FROM rel JOIN pg_catalog.pg_rewrite r ON r.ev_class = rel.oid WHERE r.rulename <> '_RETURN'
    UNION ALL
    SELECT 'type', pg_catalog.format('%I.%I', ns.nspname, t.typname),
           pg_catalog.concat_ws('|', t.typtype, CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END,
               t.typnotnull, t.typdefault, pg_catalog.pg_get_userbyid(t.typowner), t.typacl::text,
               (SELECT pg_catalog.string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
               (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)), ',' ORDER BY a.attnum)
                FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
               (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', k.conname, pg_catalog.pg_get_constraintdef(k.oid)), ',' ORDER BY k.conname)
                FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid))
    FROM pg_catalog.pg_type t JOIN ns ON ns.oid = t.typnamespace LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
      AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'extension', x.extname::text, x.extversion FROM pg_catalog.pg_extension x
    UNION ALL
    SELECT 'comment', i.type || ' ' || i.identity, d.description
    FROM pg_catalog.pg_description d CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) i
    WHERE d.objoid >= 16384 AND i.identity IS NOT NULL AND i.identity NOT LIKE 'belay%'
      AND NOT EXISTS (SELECT FROM member m WHERE m.classid = d.classoid AND m.objid = d.objoid)
    UNION ALL
    SELECT 'event trigger', e.evtname::text,
           pg_catalog.concat_ws('|', e.evtevent, e.evtenabled, e.evttags::text, pg_catalog.pg_get_userbyid(e.evtowner),
               (SELECT proname FROM pg_catalog.pg_proc WHERE oid = e.evtfoid))
    FROM pg_catalog.pg_event_trigger e
)
SELECT kind || ' ' || name, pg_catalog.md5(pg_catalog.string_agg(COALESCE(definition, ''), '|' ORDER BY definition))
FROM fact GROUP BY 1
