select desk from {{ ref('desks') }} as desks
where not exists (select from {{ ref('rooms') }} as rooms where rooms.room::text = desks.room::text)
