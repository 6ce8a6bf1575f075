import java.net.URI;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.table.gateway.SqlGateway;

/** A cluster of Flink's and its SQL gateway in one process. Argument: the gateway's port. Says where the cluster is. */
public class LocalCluster {
    public static void main(String[] args) throws Exception {
        Configuration configuration = new Configuration();
        configuration.setString("rest.bind-port", "0");
        configuration.setString("rest.address", "127.0.0.1");
        configuration.setString("taskmanager.memory.managed.size", "64m");
        configuration.setString("taskmanager.memory.network.min", "64m");
        configuration.setString("taskmanager.memory.network.max", "64m");
        MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
            .setConfiguration(configuration).setNumTaskManagers(1).setNumSlotsPerTaskManager(4).build());
        cluster.start();
        URI rest = cluster.getRestAddress().get();
        System.out.println("cluster " + rest);
        System.out.flush();
        SqlGateway.main(new String[] {
            "-Dexecution.target=remote", "-Drest.address=" + rest.getHost(), "-Drest.port=" + rest.getPort(),
            "-Dsql-gateway.endpoint.rest.address=127.0.0.1", "-Dsql-gateway.endpoint.rest.port=" + args[0]});
    }
}
