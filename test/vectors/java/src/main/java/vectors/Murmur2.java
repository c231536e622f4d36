package vectors;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

final class Murmur2 {
    private static final int[] PARTITIONS = {1, 3, 12, 50, 1000};

    static List<Map<String, Object>> vectors() {
        List<String> keys = new ArrayList<>(List.of(
            "", "é", "ключ", "鍵", "🔑", "a🔑", "ab🔑", "abc🔑", "naïve café", "\u0000\u0000\u0000\u0000", "\u007f\u0080",
            "customer-4711", "00000000-0000-0000-0000-000000000000"));
        Random random = new Random(42);
        String letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:/. äß€漢";
        for (int length = 1; length <= 20; length++) {
            for (int copy = 0; copy < 12; copy++) {
                int plain = copy < 8 ? 67 : letters.length();
                StringBuilder key = new StringBuilder();
                for (int i = 0; i < length; i++) key.append(letters.charAt(random.nextInt(plain)));
                keys.add(key.toString());
            }
        }
        List<Map<String, Object>> vectors = new ArrayList<>();
        for (String key : keys) {
            byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
            Map<String, Object> partitions = new LinkedHashMap<>();
            for (int count : PARTITIONS) partitions.put("" + count, BuiltInPartitioner.partitionForKey(bytes, count));
            Map<String, Object> vector = new LinkedHashMap<>();
            vector.put("key", key);
            vector.put("murmur2", Utils.murmur2(bytes));
            vector.put("partitions", partitions);
            vectors.add(vector);
        }
        return vectors;
    }
}
