-- Opt-in: the database itself keeps tenants apart. A row is visible, and can be written, only while the transaction is in its
-- tenant (`onetrip.tenant_id`); outside any tenant nothing is. Owners are bound as well; superusers and roles with BYPASSRLS
-- are not, so do not connect as one.

alter table pson.pson_profiles enable row level security;
alter table pson.pson_profiles force row level security;
create policy pson_profiles_tenant on pson.pson_profiles
using (tenant_id = nullif(current_setting('onetrip.tenant_id', true), ''));

alter table pson.pson_profile_audit enable row level security;
alter table pson.pson_profile_audit force row level security;
create policy pson_profile_audit_tenant on pson.pson_profile_audit
using (tenant_id = nullif(current_setting('onetrip.tenant_id', true), ''));

alter table pson.pson_domain_index enable row level security;
alter table pson.pson_domain_index force row level security;
create policy pson_domain_index_tenant on pson.pson_domain_index
using (tenant_id = nullif(current_setting('onetrip.tenant_id', true), ''));
