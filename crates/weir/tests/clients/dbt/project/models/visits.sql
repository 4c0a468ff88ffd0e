{{ config(materialized='incremental', unique_key='step', incremental_strategy='delete+insert') }}
select step, note, 'dbt' as via
from {{ source('work', 'ledger') }}
{% if is_incremental() %} where step >= (select max(step) from {{ this }}) {% endif %}
