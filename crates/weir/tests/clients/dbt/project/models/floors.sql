{{ config(materialized='table', indexes=[{'columns': ['floor'], 'unique': true}], post_hook="comment on table {{ this }} is 'made by dbt'") }}
select floor, sum(desks)::int as desks, array_agg(room order by room) as rooms
from {{ ref('desks_of_rooms') }}
group by floor
