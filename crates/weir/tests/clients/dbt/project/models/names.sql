{{ config(materialized='table') }}
select id, name from {{ source('work', 'people') }}
