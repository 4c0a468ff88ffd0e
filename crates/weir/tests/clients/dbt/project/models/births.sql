{{ config(materialized='table', tags=['refused']) }}
select id, born from {{ source('work', 'people') }}
