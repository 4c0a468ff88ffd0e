#[test]
fn it() {
    let t = std::time::Instant::now();
    let s = sandbox::PostgresServer::builder().start().unwrap();
    println!("start {:?}", t.elapsed());
    let n: u32 = std::env::var("N").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let t = std::time::Instant::now();
    sandbox::shop::Shop { customers: n, ..sandbox::shop::Shop::new("it's") }.load(&s).unwrap();
    println!("load {:?}", t.elapsed());
    println!("{}", s.psql("shop", "\\x on\nselect * from customers limit 4; select * from orders limit 3; select * from payments limit 3; select * from products limit 3; select count(*) from orders; select count(*) from payments; select count(*) from order_items; select count(distinct split_part(name,' ',1)), count(distinct regexp_replace(name,'^[^ ]* ','')) from customers; select email from customers where email ~ '[^a-z0-9._@]' limit 5; select status, count(*) from orders group by 1; select pg_size_pretty(pg_database_size('shop'));").unwrap());
    let t = std::time::Instant::now();
    drop(s);
    println!("drop {:?}", t.elapsed());
}
