import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.*;

/** Classified columns, as a Java program gets them through Weir. */
public class Sight {
    static final String DATE = "SELECT id, birth_date FROM customers WHERE id = ?";
    static PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    /** Arguments: the URL, the user. */
    public static void main(String[] args) throws Exception {
        try (Connection connection = DriverManager.getConnection(args[0], args[1], System.getenv("PASSWORD"))) {
            String customer = "SELECT id, name, email, card, ssn, public_id, city FROM customers WHERE id = ?";
            runs(connection, customer, 10);
            runs(connection, DATE, 7);
        }
        String textAlways = args[0] + "&prepareThreshold=0";
        try (Connection connection = DriverManager.getConnection(textAlways, args[1], System.getenv("PASSWORD"))) {
            runs(connection, DATE, 7);
        }
        try (Connection connection = DriverManager.getConnection(args[0] + "&binaryTransfer=false", args[1], System.getenv("PASSWORD"))) {
            runs(connection, DATE, 7);
            connection.setAutoCommit(false);
            try (PreparedStatement all = connection.prepareStatement("SELECT id, ssn, city FROM customers ORDER BY id")) {
                for (int run = 0; run < 7; run++) {
                    all.setFetchSize(11);
                    ResultSet rows = all.executeQuery();
                    int count = 0;
                    while (rows.next()) {
                        count++;
                        if (!rows.getString(2).equals("[redacted]") || rows.getLong(1) != count) {
                            out.println("row " + count + ": " + rows.getString(2));
                        }
                    }
                    out.println(count + " rows");
                }
            }
        }
    }

    static void runs(Connection connection, String sql, int times) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int run = 1; run <= times; run++) {
                statement.setLong(1, 1);
                try (ResultSet rows = statement.executeQuery()) {
                    StringBuilder text = new StringBuilder();
                    while (rows.next()) {
                        for (int at = 1; at <= rows.getMetaData().getColumnCount(); at++) {
                            text.append(at > 1 ? "|" : "").append(rows.getString(at));
                        }
                    }
                    out.println(text);
                } catch (SQLException failed) {
                    out.println(failed.getSQLState() + " " + failed.getMessage().lines().findFirst().get());
                }
            }
        }
    }
}
