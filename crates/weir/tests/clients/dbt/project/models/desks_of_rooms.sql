{{ config(materialized='view') }}
select rooms.room, rooms.floor, rooms.kind, count(desks.desk) as desks
from {{ ref('rooms') }} as rooms
left join {{ ref('desks') }} as desks on desks.room::text = rooms.room::text
group by 1, 2, 3
